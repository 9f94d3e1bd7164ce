"""A cluster of three control-plane members without a pod network of ours."""

import time

from campus import expect, wait_for
from kubernetes_tools import READY_SECONDS, Door, condition, stages


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
    campus.ha.close()
    campus.dure("cluster", "delete", "ha", timeout=300)
    campus.check("--empty")


def _members(campus):
    pods = campus.ha.objects("pods", "-n", "kube-system", "-l", "component=etcd")
    return {p["metadata"]["name"] for p in pods if condition(p, "Ready") == "True"}
