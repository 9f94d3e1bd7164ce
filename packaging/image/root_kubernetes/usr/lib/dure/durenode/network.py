"""Whether the network is there now, asked without a process: the kernel's tables, and ARP to the gateway.

Ping is nothing to go by: a campus may drop it. Who routes has to answer for its hardware address.
"""

import glob
import os
import select
import socket
import struct
import subprocess
import time

NETWORKS = "/etc/systemd/network/10-cloud-init-*.network"
CARDS = "/sys/class/net"
ROUTES = "/proc/net/route"
ROUTES6 = "/proc/net/ipv6_route"
ARP = 0x0806
REQUEST, REPLY = 1, 2
MISSES = 3  # in a row: one lost answer is no lost gateway
SECONDS = 1.0


def _text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            return handle.read(1 << 20)
    except OSError:
        return ""


def rendered(key):
    """Values of `key=` in the files that cloud-init made for networkd."""
    lines = [line for path in sorted(glob.glob(NETWORKS)) for line in _text(path).splitlines()]
    return [line.split("=", 1)[1].strip() for line in lines if line.startswith(key + "=")]


def has_address(address):
    """Nobody can bind to an address that this machine does not have."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        try:
            probe.bind((address, 0))
            return True
        except OSError:
            return False


def has_carrier():
    """Of any card that is more than software; the file cannot be read while the card is switched off."""
    cards = [os.path.dirname(path) for path in glob.glob(CARDS + "/*/device")]
    return any(_text(card + "/carrier").strip() == "1" for card in cards)


def default_route(table):
    """(interface, gateway) of the best default route in the text of /proc/net/route."""
    found = []
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) >= 8 and words[1] == words[7] == "00000000" and int(words[3], 16) & 3 == 3:
            found.append((int(words[6]), words[0], socket.inet_ntoa(struct.pack("<L", int(words[2], 16)))))
    return min(found)[1:] if found else None


def default_route6(table):
    """(interface, gateway) in the text of /proc/net/ipv6_route."""
    for line in table.splitlines():
        words = line.split()
        if len(words) >= 10 and set(words[0]) == {"0"} and words[1] == "00" and int(words[8], 16) & 3 == 3:
            return words[9], socket.inet_ntop(socket.AF_INET6, bytes.fromhex(words[4]))
    return None


def arp_request(hardware, own, wanted):
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, REQUEST, hardware, socket.inet_aton(own), bytes(6),
                       socket.inet_aton(wanted))


def arp_answer(packet, wanted):
    """The hardware address that this packet gives for the wanted address; None: it is about something else."""
    if len(packet) < 28:
        return None
    kind, protocol, _, _, operation, hardware, address, _, _ = struct.unpack("!HHBBH6s4s6s4s", packet[:28])
    fits = (kind, protocol, operation, address) == (1, 0x0800, REPLY, socket.inet_aton(wanted))
    return hardware if fits else None


def _own_address(gateway):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        probe.connect((gateway, 9))  # sends nothing
        return probe.getsockname()[0]


def ask_by_arp(interface, gateway, hardware, seconds=SECONDS):
    """The hardware address with which the gateway answers, or None. `hardware`: where it was last; None: everybody is asked."""
    try:
        own = bytes.fromhex(_text(f"{CARDS}/{interface}/address").strip().replace(":", ""))
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK,
                           socket.htons(ARP)) as link:
            link.bind((interface, ARP))
            link.sendto(arp_request(own, _own_address(gateway), gateway), (interface, ARP, 0, 0, hardware or b"\xff" * 6))
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0 and select.select([link], [], [], left)[0]:
                if found := arp_answer(link.recv(128), gateway):
                    return found
    except (OSError, ValueError, struct.error):
        pass  # no such card, no way there: nobody answers
    return None


def ask_by_ping(gateway):
    """IPv6: neighbours are part of ICMP there."""
    try:
        return subprocess.run(["ping", "-n", "-q", "-c", "1", "-W", "1", gateway], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Network:
    """Looks as often as it is asked. Keeps where the gateway was last, so that a look disturbs nobody else."""

    def __init__(self):
        self.hardware, self.misses = None, MISSES

    def fault(self):
        """What is missing, as a text for people; None: nothing is."""
        fault = self._local_fault()
        if fault:
            self.misses = MISSES  # when that has passed, the gateway has to answer first
            return fault
        gateways = rendered("Gateway")
        if not gateways:
            return None  # a network without a way out is complete with its address
        route = default_route(_text(ROUTES))
        # Only where the seed has no gateway of IPv4: who announces routes of IPv6 there is no way out for it.
        if route is None and not any("." in each for each in gateways):
            route = default_route6(_text(ROUTES6))
        if route is None:
            self.misses = MISSES
            return "there is no default route"
        self.misses = 0 if self._answers(*route) else self.misses + 1
        return f"the gateway {route[1]} does not answer" if self.misses >= MISSES else None

    def _local_fault(self):
        addresses = [each.split("/")[0] for each in rendered("Address")]
        if not addresses:
            return "no address is configured"
        if not has_carrier():
            return "the network card has no carrier"
        return next((f"the address {each} is not there" for each in addresses if not has_address(each)), None)

    def _answers(self, interface, gateway):
        if ":" in gateway:
            return ask_by_ping(f"{gateway}%{interface}" if gateway.startswith("fe80:") else gateway)
        # Where it was last; then everybody, for it may be another machine now.
        known, self.hardware = self.hardware, None
        if known:
            self.hardware = ask_by_arp(interface, gateway, known)
        if not self.hardware:
            self.hardware = ask_by_arp(interface, gateway, None)
        return self.hardware is not None
