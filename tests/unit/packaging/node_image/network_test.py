import contextlib
import os
import socket
import tempfile
import unittest
from unittest import mock

from durenode import board, network, watch

ROUTES = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	0000800A	00000000	0001	0	0	0	0000FFFF	0	0	0
eth1	00000000	0105800A	0003	0	0	100	00000000	0	0	0
eth0	00000000	0104800A	0003	0	0	0	00000000	0	0	0
cni0	00000000	0104400A	0002	0	0	0	00000000	0	0	0
"""
ROUTES6 = ("fd000000000000000000000000000000 40 " + "0" * 32 + " 00 " + "0" * 32 + " 00000100 00000001 00000000 00000001     eth0\n"
           + "0" * 32 + " 00 " + "0" * 32 + " 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0\n")
HARDWARE = bytes.fromhex("525400aa0001")


class Tables(unittest.TestCase):
    def test_the_best_default_route_that_is_up_has_the_gateway(self):
        self.assertEqual(network.default_route(ROUTES), ("eth0", "10.128.4.1"))
        for text in ("", "\n".join(ROUTES.splitlines()[:2]), "head\neth0 0"):
            self.assertIsNone(network.default_route(text))

    def test_the_same_of_ipv6(self):
        self.assertEqual(network.default_route6(ROUTES6), ("eth0", "fe80::1"))
        self.assertIsNone(network.default_route6(ROUTES6.splitlines()[0]))

    def test_an_address_is_there_if_it_is_this_machines(self):
        self.assertTrue(network.has_address("127.0.0.1"))
        self.assertFalse(network.has_address("192.0.2.77"))

    def test_the_carrier_is_that_of_a_card_and_not_of_a_bridge(self):
        with tempfile.TemporaryDirectory() as cards, mock.patch.object(network, "CARDS", cards):
            os.makedirs(cards + "/eth0/device")
            os.makedirs(cards + "/cni0")
            for name, carrier in (("cni0", "1"), ("eth0", "1")):
                with open(f"{cards}/{name}/carrier", "w", encoding="ascii") as handle:
                    handle.write(carrier + "\n")
            self.assertTrue(network.has_carrier())
            with open(cards + "/eth0/carrier", "w", encoding="ascii") as handle:
                handle.write("0\n")
            self.assertFalse(network.has_carrier())
            os.unlink(cards + "/eth0/carrier")  # as a card that is switched off
            self.assertFalse(network.has_carrier())


class Arp(unittest.TestCase):
    def answer(self, address, operation=network.REPLY):
        request = bytearray(network.arp_request(HARDWARE, address, "10.128.4.11"))
        request[7] = operation
        return bytes(request)

    def test_only_the_answer_for_the_gateway_counts(self):
        self.assertEqual(network.arp_answer(self.answer("10.128.4.1"), "10.128.4.1"), HARDWARE)
        for other in (self.answer("10.128.4.2"), self.answer("10.128.4.1", network.REQUEST), b"", b"\0" * 28):
            self.assertIsNone(network.arp_answer(other, "10.128.4.1"))

    def test_a_request_is_what_a_gateway_understands(self):
        request = network.arp_request(HARDWARE, "10.128.4.11", "10.128.4.1")
        self.assertEqual(request.hex(), "0001080006040001" + HARDWARE.hex() + socket.inet_aton("10.128.4.11").hex() + "00" * 6
                         + socket.inet_aton("10.128.4.1").hex())

    def test_a_card_that_is_not_there_answers_nothing(self):
        self.assertIsNone(network.ask_by_arp("no-such0", "10.128.4.1", None, 0.1))


class Machine:
    """A machine whose parts can be taken away."""

    def __init__(self, test):
        self.addresses, self.carrier, self.routes, self.routes6 = {"10.128.4.11"}, True, ROUTES, ""
        self.gateway, self.asked, self.rendered = HARDWARE, [], {"Address": ["10.128.4.11/16"], "Gateway": ["10.128.4.1"]}
        patches = contextlib.ExitStack()
        test.addCleanup(patches.close)
        for name, made in (("rendered", lambda key: self.rendered[key]), ("has_address", lambda each: each in self.addresses),
                           ("has_carrier", lambda: self.carrier), ("ask_by_arp", self.ask),
                           ("ask_by_ping", lambda gateway: bool(self.asked.append(gateway)) or True),
                           ("_text", lambda path: {network.ROUTES: self.routes, network.ROUTES6: self.routes6}.get(path, ""))):
            patches.enter_context(mock.patch.object(network, name, made))

    def ask(self, interface, gateway, hardware):
        self.asked.append((interface, gateway, hardware))
        return self.gateway if hardware in (None, self.gateway) else None


class Looking(unittest.TestCase):
    def setUp(self):
        self.machine, self.network = Machine(self), network.Network()

    def test_all_is_well_and_only_the_first_question_goes_to_everybody(self):
        self.assertEqual([self.network.fault() for _ in range(3)], [None] * 3)
        self.assertEqual([hardware for _, _, hardware in self.machine.asked], [None, HARDWARE, HARDWARE])

    def test_a_gateway_that_is_another_machine_now_is_found(self):
        self.network.fault()
        self.machine.gateway = bytes(6)
        self.assertIsNone(self.network.fault())
        self.assertIsNone(self.machine.asked[-1][2])

    def test_what_is_missing_is_named_at_once(self):
        self.network.fault()
        self.machine.carrier = False
        self.assertEqual(self.network.fault(), "the network card has no carrier")
        self.machine.carrier, self.machine.addresses = True, set()
        self.assertEqual(self.network.fault(), "the address 10.128.4.11 is not there")
        self.machine.addresses, self.machine.routes = {"10.128.4.11"}, ""
        self.assertEqual(self.network.fault(), "there is no default route")
        self.machine.routes, self.machine.gateway = ROUTES, None
        self.assertEqual(self.network.fault(), "the gateway 10.128.4.1 does not answer")  # it had no network: nothing is taken for granted
        self.machine.gateway = HARDWARE
        self.assertIsNone(self.network.fault())

    def test_a_gateway_is_lost_when_it_misses_three_looks(self):
        self.assertIsNone(self.network.fault())
        self.machine.gateway = None
        self.assertEqual([self.network.fault() for _ in range(4)], [None, None] + ["the gateway 10.128.4.1 does not answer"] * 2)

    def test_a_route_of_ipv6_is_no_way_out_for_who_was_given_one_of_ipv4(self):
        self.machine.routes, self.machine.routes6 = "", ROUTES6
        self.assertEqual(self.network.fault(), "there is no default route")
        self.machine.rendered["Gateway"] = ["fe80::1"]
        self.assertIsNone(self.network.fault())
        self.assertEqual(self.machine.asked, ["fe80::1%eth0"])

    def test_a_network_without_a_way_out_needs_no_gateway(self):
        self.machine.rendered["Gateway"], self.machine.routes = [], ""
        self.assertIsNone(self.network.fault())
        self.assertEqual(self.machine.asked, [])


class Watching(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.run_folder = temporary.name
        self.machine = Machine(self)
        self.begin()

    def begin(self):
        self.board = board.Board(self.run_folder)
        self.watch = watch.Watch(self.board)

    def looked(self):
        self.watch.look()
        return "network" in self.board.stages, self.board.errors.get("network")

    def test_the_stage_is_there_while_the_network_is(self):
        self.assertEqual(self.looked(), (True, None))
        self.machine.carrier = False
        self.assertEqual([self.looked() for _ in range(2)], [(False, "the network card has no carrier")] * 2)
        self.machine.carrier = True
        self.assertEqual(self.looked(), (True, None))

    def test_a_stage_that_comes_back_has_the_time_of_that(self):
        self.looked()
        with open(self.run_folder + "/network", "w", encoding="ascii") as handle:
            handle.write("1")
        self.begin()
        self.looked()
        self.assertEqual(self.board.stages["network"], 1)
        self.machine.carrier = False
        self.looked()
        self.machine.carrier = True
        self.looked()
        self.assertGreater(self.board.stages["network"], 1)

    def test_nothing_is_said_against_what_has_not_been_there_yet(self):
        self.machine.gateway = None
        self.assertEqual(self.looked(), (False, None))

    def test_a_program_that_starts_again_withdraws_what_the_one_before_has_told(self):
        self.looked()
        self.begin()
        self.machine.carrier = False
        self.assertEqual(self.looked(), (False, "the network card has no carrier"))
        self.assertEqual(os.listdir(self.run_folder), [])


if __name__ == "__main__":
    unittest.main()
