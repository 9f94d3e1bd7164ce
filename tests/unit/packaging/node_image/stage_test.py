"""The shell reporter of the plain image: its functions, with a kernel's tables and tools that are files of the test."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

STAGE = Path(__file__).resolve().parents[4] / "packaging/image/root/usr/lib/dure/stage"
ROUTES = """Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	0000800A	00000000	0001	0	0	0	0000FFFF	0	0	0
eth0	00000000	0104800A	0003	0	0	0	00000000	0	0	0
"""
ADDRESSES = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.128.0.0/24 2 0 2
        |-- 10.128.0.0
           /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
        |-- 10.128.4.11
           /32 host LOCAL
        |-- 10.128.255.255
           /32 link BROADCAST
"""
NETWORK = "[Match]\nName=eth0\n\n[Network]\nAddress=10.128.4.11/16\n\n[Route]\nGateway=10.128.4.1\nDestination=0.0.0.0/0"


class Stage(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        for name in ("run", "bin", "networks", "cards/eth0/device", "cards/cni0", "proc/net"):
            (self.folder / name).mkdir(parents=True)
        self.write("proc/net/route", ROUTES)
        self.write("proc/net/fib_trie", ADDRESSES)
        self.write("cards/eth0/carrier", "1\n")
        self.write("cards/cni0/carrier", "1\n")
        self.write("networks/10-cloud-init-eth0.network", NETWORK)
        self.answers("arping")
        self.parts = STAGE.read_text(encoding="utf-8").split('\nmkdir -p "$run"\n')
        self.assertEqual(len(self.parts), 2)

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def answers(self, *ways):
        """What the gateway answers to: ping, arping; each question is written down."""
        for tool, way in (("ping", "ping"), ("busybox", "arping"), ("ip", "ip")):
            path = self.folder / "bin" / tool
            path.write_text(f"#!/bin/sh\necho {tool} \"$@\" >>{self.folder}/asked\nexit {0 if way in ways else 1}\n", encoding="utf-8")
            path.chmod(0o755)

    def shell(self, script):
        """Its functions, then this; the paths are those of the test."""
        places = f"networks={self.folder}/networks run={self.folder}/run proc={self.folder}/proc cards={self.folder}/cards\n"
        done = subprocess.run(["/bin/sh", "-c", self.parts[0] + "\n" + places + script], capture_output=True, text=True, check=False,
                              env={"PATH": f"{self.folder}/bin:/usr/bin:/bin"}, timeout=30, stdin=subprocess.DEVNULL)
        self.assertEqual(done.stderr, "")
        return done.stdout.strip()

    def fault(self, looks=1):
        return self.shell("look_at_network\n" * looks + 'echo "${fault}"')

    def test_a_network_is_up_when_the_gateway_answers_for_its_hardware_address(self):
        self.assertEqual(self.fault(), "")
        self.assertIn("busybox arping -q -f -c 1 -w 1 -I eth0 10.128.4.1", (self.folder / "asked").read_text())

    def test_whom_a_ping_answers_is_asked_nothing_else(self):
        self.answers("ping")
        self.assertEqual(self.fault(), "")
        self.assertNotIn("busybox", (self.folder / "asked").read_text())

    def test_what_is_missing_is_named(self):
        self.write("cards/eth0/carrier", "0\n")
        self.assertEqual(self.fault(), "the network card has no carrier")
        (self.folder / "cards/eth0/carrier").unlink()  # as a card that is switched off
        self.assertEqual(self.fault(), "the network card has no carrier")
        self.write("cards/eth0/carrier", "1\n")
        self.write("proc/net/fib_trie", ADDRESSES.replace("10.128.4.11", "10.128.4.12"))
        self.assertEqual(self.fault(), "the address 10.128.4.11 is not there")
        self.write("proc/net/fib_trie", ADDRESSES)
        self.write("proc/net/route", "\n".join(ROUTES.splitlines()[:2]) + "\n")
        self.assertEqual(self.fault(), "there is no default route")
        self.write("proc/net/route", ROUTES)
        self.answers()
        self.assertEqual(self.fault(), "the gateway 10.128.4.1 does not answer")

    def test_a_route_of_ipv6_is_no_way_out_for_who_was_given_one_of_ipv4(self):
        self.answers("ping", "ip")
        self.write("bin/ip", "#!/bin/sh\necho default via fe80::1 dev eth0 proto ra\n")
        self.write("proc/net/route", "")
        self.assertEqual(self.fault(), "there is no default route")
        self.write("networks/10-cloud-init-eth0.network", NETWORK.replace("Gateway=10.128.4.1\n", "Gateway=fe80::1\n"))
        self.assertEqual(self.fault(), "")
        self.assertIn("fe80::1%eth0", (self.folder / "asked").read_text())

    def test_a_network_without_a_way_out_needs_no_gateway(self):
        self.write("networks/10-cloud-init-eth0.network", NETWORK.split("\n[Route]")[0])
        self.write("proc/net/route", "")
        self.answers()
        self.assertEqual(self.fault(), "")

    def test_the_stage_goes_with_the_network_with_a_reason_and_comes_back_with_the_time_of_that(self):
        script = """
now_ms() { now=100; }
reach booted
look_at_network; echo "$stages|$lost"
now_ms() { now=900; }
look_at_network; echo "$stages|$lost"
rm "$cards/eth0/carrier"
look_at_network; echo "$stages|$lost"
look_at_network; echo "$stages|$lost"
echo 1 >"$cards/eth0/carrier"
look_at_network; echo "$stages|$lost"
"""
        self.write("run/booted", "50")
        seen = [line.split("|") for line in self.shell(script).splitlines()]
        booted = '{"name":"booted","at_ms":50}'
        self.assertEqual([stages for stages, _ in seen],
                         [booted + f',{{"name":"network","at_ms":{at}}}' if at else booted for at in (100, 100, None, None, 900)])
        self.assertEqual([lost for _, lost in seen], ["", "", "the network card has no carrier", "the network card has no carrier", ""])

    def test_a_gateway_is_lost_when_it_misses_three_looks_and_not_one(self):
        script = "look_at_network; " + f"rm {self.folder}/bin/busybox; " + "look_at_network; look_at_network; echo \"$has_network|$lost\"; "
        self.assertEqual(self.shell(script + "look_at_network; echo \"$has_network|$lost\"").splitlines(),
                         ["1|", "|the gateway 10.128.4.1 does not answer"])

    def test_after_another_fault_the_gateway_has_to_answer_first(self):
        script = f"""
look_at_network; mv "$cards/eth0/carrier" "$cards/off"
look_at_network; mv "$cards/off" "$cards/eth0/carrier"; rm {self.folder}/bin/busybox
look_at_network; echo "$has_network|$lost"
"""
        self.assertEqual(self.shell(script), "|the gateway 10.128.4.1 does not answer")

    def test_before_it_was_there_once_nothing_is_said_against_it(self):
        self.answers()
        self.assertEqual(self.shell('look_at_network; echo "$lost|$names"'), "|")

    def test_a_reporter_that_starts_again_withdraws_what_the_one_before_has_told(self):
        self.write("run/network", "70")
        self.answers()
        self.assertEqual(self.shell('look_at_network; echo "$lost"; ls "$run"'), "the gateway 10.128.4.1 does not answer")

    def test_a_line_is_what_a_host_reads(self):
        script = 'exec 3>&1; boot_id=B; reach booted; error="cloud-init: x"; send; lost="the gateway is gone"; send; error=; lost=; send'
        self.write("run/booted", "50")
        stages = '"stages":[{"name":"booted","at_ms":50}]'
        self.assertEqual(self.shell(script).splitlines(),
                         [f'{{"v":1,"boot_id":"B",{stages},"error":"cloud-init: x"}}',
                          f'{{"v":1,"boot_id":"B",{stages},"error":"cloud-init: x; the gateway is gone"}}',
                          f'{{"v":1,"boot_id":"B",{stages}}}'])

    def test_the_network_is_looked_at_as_long_as_the_node_runs(self):
        loop = self.parts[1]
        self.assertRegex(loop, r'\[ -z "\$has_network" \] \|\| \[ "\$age" -ge "\$period" \]; then look_at_network')
        self.assertIsNotNone(re.search(r"^period=5$", self.parts[0], re.M))


if __name__ == "__main__":
    unittest.main()
