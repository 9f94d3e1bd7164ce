"""What goes over a host's uplink while something else happens."""

import json
import subprocess

from campus import CAMPUS, NAME, expect

# Counts VXLAN packets, those of them that have VXLAN in them once more, and the largest; until our end of its input is closed.
WATCH = """
import json, select, socket, sys
def vxlan(packet):
    '''The frame inside, if this Ethernet frame is IPv4, UDP, to the VXLAN port.'''
    if packet[12:14] != b"\\x08\\x00" or packet[23] != 17: return None
    udp = 14 + (packet[14] & 15) * 4
    return packet[udp + 16:] if int.from_bytes(packet[udp + 2:udp + 4], "big") == 4789 else None
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 0))
print("watching", flush=True)
outer = nested = largest = 0
while True:
    ready, _, _ = select.select([s, sys.stdin], [], [])
    if s in ready:
        frame = s.recv(65536)
        inner = vxlan(frame)
        if inner is not None:
            outer += 1
            nested += len(inner) > 42 and vxlan(inner) is not None
            largest = max(largest, len(inner) - 14)
    elif sys.stdin in ready:
        print(json.dumps({"vxlan": outer, "nested": nested, "largest": largest}), flush=True)
        break
"""


class Capture:
    def __init__(self, host):
        self.process = subprocess.Popen([CAMPUS, "--name", NAME, "exec", host, "--", "python3", "-c", WATCH], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        expect(line.strip() == "watching", f"the capture on {host}: {line!r}")

    def end(self):
        """{"vxlan": packets, "nested": of those with VXLAN inside, "largest": bytes of the largest packet inside}"""
        text, _ = self.process.communicate(timeout=60)
        return json.loads(text)
