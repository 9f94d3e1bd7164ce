"""A cluster of three control-plane members without a pod network of ours: its user brings one, and one member's loss is survived."""

import ipaddress
import json
import time

from campus import Failed, expect, wait_for
from kubernetes_tools import READY_SECONDS, Door, condition, stages

WRITE_CONFIG = "mkdir -p /etc/cni/net.d && cat > /etc/cni/net.d/10-own.conflist"


def _print_stages(campus, nodes):
    for name in nodes:
        print(f"    {name}: " + ", ".join(f"{stage} {at / 1000:.1f} s" for stage, at in stages(campus, name).items()))


def three_members_without_a_pod_network(campus):
    """`--control-planes 3 --cni none`: members on three hosts, each with its etcd; the nodes have joined and wait for a pod network."""
    image = campus.json("image", "list")["items"][0]["name"]
    argv = ["cluster", "create", "ha", "--control-planes", "3", "--workers", "1", "--cni", "none", "--flavor", "medium",
            "--image", image, "--keypair", "demo"]

    def fits():
        done = campus.dure(*argv, "--dry-run", check=False)
        return True if done.returncode == 0 else done.stderr
    # Members at two sites: hosts measure how far these are from each other soon after they are there.
    wait_for("the sites are measured", fits, 180)
    begin = time.monotonic()
    campus.dure(*argv, timeout=2 * READY_SECONDS)
    print(f"    3 + 1 nodes in {time.monotonic() - begin:.0f} s")
    nodes = campus.nodes("ha")
    _print_stages(campus, [n["name"] for n in nodes])
    planes = [n for n in nodes if n["role"] == "control-plane"]
    expect(len(planes) == 3 and len({n["host"] for n in planes}) == 3, f"nodes: {nodes}")
    campus.ha = Door(campus, "ha", 16445)
    wait_for("four Node objects", lambda: len(campus.ha.objects("nodes")) == 4, 300)
    expect(campus.ha.ready_nodes() == set(), f"Ready without a pod network: {campus.ha.ready_nodes()}")
    wait_for("three members of etcd", lambda: _members(campus) == {f"etcd-{n['name']}" for n in planes} or _members(campus), 600)


def _members(campus):
    pods = campus.ha.objects("pods", "-n", "kube-system", "-l", "component=etcd")
    return {p["metadata"]["name"] for p in pods if condition(p, "Ready") == "True"}


def _own_network(campus, nodes):
    """What a user's pod network does: a prefix of the cluster's for each node, a configuration of CNI there, routes to the others."""
    cluster = ipaddress.ip_network("10.64.0.0/12")
    parts = list(cluster.subnets(new_prefix=24))[-len(nodes):]
    prefixes = {node["name"]: part for node, part in zip(nodes, parts)}
    for node in nodes:
        config = {"cniVersion": "1.0.0", "name": "own", "plugins": [
            {"type": "bridge", "bridge": "own0", "isGateway": True, "mtu": 1400, "ipam": {
                "type": "host-local", "ranges": [[{"subnet": str(prefixes[node["name"]])}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
        campus.ssh_with_input(node["name"], ["sudo", "sh", "-c", WRITE_CONFIG], json.dumps(config), 120)
        for other in nodes:
            if other is not node:
                campus.ssh(node["name"], f"sudo ip route replace {prefixes[other['name']]} via {other['address'].split('/')[0]}")
    return prefixes


def the_users_own_pod_network_passes(campus):
    """With a pod network of the user's the nodes get Ready, and pods reach each other over the cluster's segment across sites."""
    nodes = campus.nodes("ha")
    prefixes = _own_network(campus, nodes)
    wait_for("four nodes are Ready", lambda: len(campus.ha.ready_nodes()) == 4 or campus.ha.ready_nodes(), 600)
    names = [n["name"] for n in nodes]
    addresses = campus.ha.run_probes(names, "mkdir -p /www; echo here > /www/word; httpd -f -p 8080 -h /www")
    for name, address in addresses.items():
        expect(ipaddress.ip_address(address) in prefixes[name], f"{name}: {address} is not of {prefixes[name]}")
    for name in names:
        for other in names:
            word = campus.ha.inside("probe-" + name, f"wget -q -T 20 -O - http://{addresses[other]}:8080/word")
            expect(word == "here", f"from {name}, {other} says {word!r}")
    print(f"    {len(names) ** 2} ways from pod to pod, at {len({n['site'] for n in nodes})} sites")


def a_lost_member_is_survived(campus):
    """Without one of three members the API answers and takes changes; it comes back with its host's agent and catches up."""
    victim = next(n for n in campus.nodes("ha") if n["name"] == "ha-cp1")
    campus.campus("kill", "agent", victim["host"])
    print(f"    {campus.campus('kill', 'node', victim['name']).stdout.strip()}")
    begin = time.monotonic()

    def takes_changes():
        try:
            campus.ha.kubectl("create", "configmap", "survived", "--validate=false", timeout=120)
        except Failed as failure:
            return "already exists" in str(failure) or str(failure)
        return True
    wait_for("the API takes a change", takes_changes, 600)
    print(f"    it took a change {time.monotonic() - begin:.0f} s after the loss of {victim['name']}")
    wait_for("the member counts as lost", lambda: victim["name"] not in campus.ha.ready_nodes(), 600)
    campus.campus("start", "agent", victim["host"])
    wait_for("the member is Ready again", lambda: len(campus.ha.ready_nodes()) == 4 or campus.ha.ready_nodes(), READY_SECONDS)
    wait_for("three members of etcd again", lambda: len(_members(campus)) == 3 or _members(campus), 600)
    print(f"    all members were back {time.monotonic() - begin:.0f} s after the loss")
    campus.check("ha")
    campus.ha.close()
    campus.dure("cluster", "delete", "ha", timeout=300)
    campus.check("--empty")
