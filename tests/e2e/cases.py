"""The cases, in order: each builds on the state that the one before has left."""

import hashlib
import os
import re
import subprocess
import sys
import time

from campus import NAME, STATE, Campus, expect, run, wait_for
from faults import CASES as FAULTS
from running import run_cases

READY_SECONDS = 900  # three nodes under emulation on two cores
MTU = 1450 - 50      # the smaller underlay of the two sites less VXLAN's 50 bytes


def all_ready(campus, cluster, count):
    nodes = campus.nodes(cluster)
    states = sorted(node["state"] for node in nodes)
    return True if states == ["ready"] * count else states


def up_brings_three_ready_nodes(campus):
    """`campus up` ends with three nodes ready on three hosts at two sites."""
    campus.up()
    nodes = campus.nodes("demo")
    expect(sorted(n["name"] for n in nodes) == ["demo-cp1", "demo-w1", "demo-w2"], f"nodes: {nodes}")
    expect({n["state"] for n in nodes} == {"ready"}, f"states: {nodes}")
    expect(len({n["host"] for n in nodes}) == 3, f"hosts: {nodes}")
    expect(len({n["site"] for n in nodes}) == 2, f"sites: {nodes}")
    for field in ("name", "role", "state", "host", "site", "address", "cluster", "generation"):
        expect(all(n.get(field) not in (None, "") for n in nodes), f"{field} is missing: {nodes}")


def database_agrees(campus):
    """The database shows the nodes running at the generation their agents reported, and the operation's steps."""
    rows = campus.psql("SELECT name, vm_state, generation, observed_generation FROM nodes ORDER BY name")
    expect([r[0] for r in rows] == ["demo-cp1", "demo-w1", "demo-w2"], f"rows: {rows}")
    expect(all(r[1] == "running" and r[2] == r[3] for r in rows), f"rows: {rows}")
    steps = campus.psql("SELECT s.name, s.state FROM operation_steps s JOIN operations o ON o.id = s.operation"
                        " WHERE o.kind = 'cluster-create'")
    names = {r[0] for r in steps}
    expect({"placed", "ordered", "image", "started", "booted", "network", "configured", "ready"} <= names, f"steps: {steps}")
    expect({r[1] for r in steps} == {"done"}, f"steps: {steps}")


def up_again_changes_nothing(campus):
    """A second `up` changes nothing: the same nodes, the same domains."""
    before = sorted((n["id"], n["ready_at"]) for n in campus.nodes("demo"))
    campus.up()
    expect(before == sorted((n["id"], n["ready_at"]) for n in campus.nodes("demo")), "the nodes are others now")


def nodes_reach_each_other_by_name(campus):
    names = [n["name"] for n in campus.nodes("demo")]
    for source in names:
        for target in names:
            if source != target:
                campus.ssh(source, f"ping -c 1 -W 10 {target}")


def nodes_across_sites(campus):
    nodes = campus.nodes("demo")
    first = nodes[0]
    other = next(n for n in nodes if n["site"] != first["site"])
    return first, other


def mtu_is_exact(campus):
    """The largest packet passes across sites, one byte more is refused, nothing is fragmented on the underlay."""
    first, other = nodes_across_sites(campus)
    campus.ssh(first["name"], f"ping -M do -c 2 -W 10 -s {MTU - 28} {other['name']}")
    more = campus.ssh(first["name"], f"ping -M do -c 1 -W 5 -s {MTU - 27} {other['name']}", check=False)
    expect(more.returncode != 0, f"{MTU + 1} bytes passed:\n{more.stdout}")
    expect(re.search(r"message too long|Frag needed", more.stdout + more.stderr, re.I), f"not refused for its size: {more}")
    for host in {first["host"], other["host"]}:
        lines = [line.split() for line in campus.exec(host, "cat", "/proc/net/snmp").stdout.splitlines()
                 if line.startswith("Ip:")]
        counters = dict(zip(lines[0][1:], lines[1][1:]))
        for name in ("FragCreates", "ReasmReqds"):
            expect(counters[name] == "0", f"{host}: {name} is {counters[name]}")


RECEIVE = ("import socket,hashlib;s=socket.create_server((\"\",5001));print(\"listening\",flush=True);c,_=s.accept();h=hashlib.sha256();n=0\n"
           "while True:\n d=c.recv(65536)\n if not d: break\n h.update(d);n+=len(d)\n"
           "print(n,h.hexdigest(),flush=True)")
SEND = ("import socket,hashlib,os,sys\nc=socket.create_connection((sys.argv[1],5001),60);h=hashlib.sha256()\n"
        "for _ in range(50):\n d=os.urandom(1000000);h.update(d);c.sendall(d)\n"
        "c.close();print(h.hexdigest())")


def fifty_megabytes_arrive_intact(campus):
    """50 MB by TCP across sites over VXLAN arrive with the same SHA-256."""
    first, other = nodes_across_sites(campus)
    receiver = campus.ssh_background(other["name"], f"python3 -c '{RECEIVE}'")
    try:
        line = receiver.stdout.readline()
        expect(line.strip() == "listening", f"receiver: {line}")
        begin = time.monotonic()
        sent = campus.ssh(first["name"], f"python3 -c '{SEND}' {other['name']}", timeout=300).stdout.strip()
        got = receiver.stdout.readline().split()
        expect(got == ["50000000", sent], f"sent {sent}, received {got}")
        print(f"    50 MB in {time.monotonic() - begin:.1f} s, SHA-256 {hashlib.sha256(sent.encode()).hexdigest()[:8]}… of its digest")
    finally:
        receiver.kill()
        receiver.wait()


def kernel_is_as_planned(campus):
    """Bridge, VXLAN device and forwarding entries on each host are exactly those of the plan."""
    campus.check("demo")


def too_much_is_refused_with_numbers(campus):
    done = campus.dure("cluster", "create", "huge", "--workers", "40", "--flavor", "medium", "--image", "debian-13-node",
                       "--keypair", "demo", check=False)
    expect(done.returncode == 6, f"exit code {done.returncode}: {done.stderr}")
    for host in ("h1", "h2", "h3"):
        expect(host in done.stderr, f"{host} is not named:\n{done.stderr}")
    expect(re.search(r"\d{3,}", done.stderr), f"no numbers:\n{done.stderr}")
    expect(campus.psql("SELECT count(*) FROM clusters WHERE name = 'huge'") == [["0"]], "it was made all the same")


class Pinger:
    """Pings from one node of the second cluster to the other while something else happens."""

    def __init__(self, campus):
        # ping runs until our end of its standard input is closed.
        command = "ping -i 0.5 -W 20 two-w1 & pid=$!; cat > /dev/null; kill -INT $pid; wait $pid"
        self.process = campus.ssh_background("two-cp1", command, stdin=subprocess.PIPE)

    def losses(self):
        text, _ = self.process.communicate(timeout=60)
        found = re.search(r"(\d+) packets transmitted, (\d+) received", text)
        expect(found, f"no summary of ping:\n{text[-500:]}")
        sent, received = int(found[1]), int(found[2])
        print(f"    {sent} packets sent, {received} received")
        expect(sent > 10, f"only {sent} packets")
        return sent - received


def neighbour_loses_no_packet(campus):
    """Scaling demo up, down and away never costs the second cluster a packet, and leaves nothing of demo."""
    campus.dure("cluster", "create", "two", "--workers", "1", "--flavor", "tiny", "--image", "debian-13-node", "--keypair",
                "demo", "--sites", "site1,site2", timeout=READY_SECONDS)
    campus.ssh("two-cp1", "ping -c 1 -W 20 two-w1")
    pinger = Pinger(campus)
    try:
        campus.dure("cluster", "scale", "demo", "--workers", "3", timeout=READY_SECONDS)
        expect(all_ready(campus, "demo", 4) is True, f"nodes: {campus.nodes('demo')}")
        campus.check("demo")
        campus.dure("cluster", "scale", "demo", "--workers", "1", timeout=300)
        expect(sorted(n["name"] for n in campus.nodes("demo")) == ["demo-cp1", "demo-w1"], f"{campus.nodes('demo')}")
        campus.check("demo")
        campus.dure("cluster", "delete", "demo", timeout=300)
        lost = pinger.losses()
    finally:
        pinger.process.kill()
        pinger.process.wait()
    expect(lost in (0, 1), f"{lost} packets lost")  # the last one is under way when ping is stopped
    expect(campus.psql("SELECT count(*) FROM clusters WHERE name = 'demo'") == [["0"]], "demo has a row")
    campus.check("two")
    campus.dure("cluster", "delete", "two", timeout=300)
    campus.check("--empty")


def killed_parts_come_back(campus):
    """kill -9 of the control node, an agent and libvirtd during a create: it becomes ready, once."""
    campus.dure("cluster", "create", "crash", "--workers", "2", "--flavor", "tiny", "--image", "debian-13-node", "--keypair",
                "demo", "--sites", "site1,site2", "--no-wait")
    campus.campus("kill", "controlnode")
    campus.campus("start", "controlnode")
    campus.campus("kill", "agent", "h1")
    campus.campus("kill", "libvirtd", "h2")
    campus.campus("start", "agent", "h1")
    campus.campus("start", "libvirtd", "h2")
    wait_for("crash becomes ready", lambda: all_ready(campus, "crash", 3), READY_SECONDS)
    campus.check("crash")
    campus.dure("cluster", "delete", "crash", timeout=300)
    campus.check("--empty")


def down_leaves_nothing(campus):
    campus.campus("down", timeout=300)
    spaces = run(["ip", "netns", "list"], 30).stdout
    expect(not re.search(f"^{NAME}-", spaces, re.M), f"namespaces: {spaces}")
    links = run(["ip", "-o", "link"], 30).stdout
    expect(f"{NAME}-" not in links, f"links: {links}")
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        expect(f"{STATE}/" not in mounts.read(), "mounts are left")
    expect(not os.path.exists(STATE), "files are left")


CASES = [up_brings_three_ready_nodes, database_agrees, up_again_changes_nothing, nodes_reach_each_other_by_name,
         mtu_is_exact, fifty_megabytes_arrive_intact, kernel_is_as_planned, too_much_is_refused_with_numbers,
         neighbour_loses_no_packet, killed_parts_come_back, *FAULTS, down_leaves_nothing]


def main():
    if os.geteuid() != 0:
        print("skipped: root is needed for network namespaces")
        return 77
    campus = Campus(os.environ.get("DURE_BUILD_DIR", os.path.join(os.path.dirname(__file__), "..", "..", "build", "dev")))
    return run_cases(campus, CASES, sys.argv[1:])
