"""A second cluster beside the first: it comes up though its control plane is late and its nodes lose their power, and neither
cluster reaches the other."""

import time

from campus import expect, wait_for
from fault_tools import command, tell, wait_node
from kubernetes_tools import READY_SECONDS, Door, stages

LATE_SECONDS = 120
TOLD_SECONDS = 120


def _reaches(campus, node, stage):
    """A state of the node that it has got to, for `wait_for`."""
    reached = stages(campus, node)
    return True if stage in reached else reached


def _kubeadm_runs(campus, node):
    done = campus.ssh(node, "pgrep -x kubeadm", check=False)
    return True if done.returncode == 0 else f"{node} has come to {', '.join(stages(campus, node))}; {done.stderr[-200:]}"


def _cut_power(campus, node):
    """-> when that was"""
    reached = ", ".join(stages(campus, node))
    print(f"    {campus.campus('kill', 'node', node).stdout.strip()}; it had come to: {reached}")
    return time.monotonic()


def second_cluster_comes_up_through_faults(campus):
    """Workers first, the control plane minutes later; kill -9 of its QEMU during init and of a worker's during join."""
    image = campus.json("image", "list")["items"][0]["name"]
    argv = ["cluster", "create", "two", "--workers", "1", "--flavor", "medium", "--image", image, "--keypair", "demo"]
    planned = campus.json(*argv, "--dry-run")
    home = next(n["host"] for n in planned["plan"] if n["role"] == "control-plane")
    # The host counts as usable for a while; nobody is there to start the control plane.
    campus.campus("kill", "agent", home)
    campus.dure(*argv, "--no-wait")
    nodes = {n["name"]: n["host"] for n in campus.nodes("two")}
    expect(nodes["two-cp1"] == home and nodes["two-w1"] != home, f"nodes: {nodes}, the control plane was to be on {home}")
    wait_for("the worker is up and has its configuration", lambda: _reaches(campus, "two-w1", "containerd"), 900)
    since = time.monotonic()
    wait_for("the worker has waited for two minutes", lambda: time.monotonic() - since > LATE_SECONDS, LATE_SECONDS + 60)
    expect(set(stages(campus, "two-cp1")) == set(), "the control plane is not late at all")
    campus.campus("start", "agent", home)
    wait_for("kubeadm init runs", lambda: _kubeadm_runs(campus, "two-cp1"), 900)
    cut = {"two-cp1": _cut_power(campus, "two-cp1")}
    # A join begins when the API server shows the configuration, and may be over before init says that it is.
    wait_for("kubeadm join runs", lambda: _kubeadm_runs(campus, "two-w1"), READY_SECONDS)
    cut["two-w1"] = _cut_power(campus, "two-w1")
    wait_for("the control plane is initialised", lambda: _reaches(campus, "two-cp1", "init"), READY_SECONDS)
    operation = campus.json("cluster", "show", "two")["operation"]
    campus.dure("operation", "wait", operation, timeout=READY_SECONDS)
    campus.two = Door(campus, "two", 16444)
    wait_for("both nodes are Ready", lambda: campus.two.ready_nodes() == {"two-cp1", "two-w1"}, 300)
    for node in nodes:
        up = float(campus.ssh(node, "cat /proc/uptime").stdout.split()[0])
        expect(up < time.monotonic() - cut[node], f"{node} has not lost its power: it has been up for {up} s")
        print(f"    {node}: " + ", ".join(f"{name} {at / 1000:.1f} s" for name, at in stages(campus, node).items()))
    campus.check("two")


def clusters_do_not_reach_each_other(campus):
    """Two clusters side by side: neither API server, nor pods, nor nodes of the other answer, and those of one's own do."""
    # The clusters' pod prefixes may be the same, so each has a port of its own: at an address of both, only one's own pod answers.
    ports = {"demo": 8098, "two": 8099}
    doors = {"demo": campus.demo, "two": campus.two}
    names = {cluster: [n["name"] for n in campus.nodes(cluster)] for cluster in doors}
    pods = {"demo": {n["metadata"]["name"].removeprefix("probe-"): n["status"]["podIP"]
                     for n in campus.demo.objects("pods", "-l", "app=probe")},
            "two": campus.two.run_probes(names["two"], "while true; do sleep 1; done")}
    for cluster, port in ports.items():
        for name in names[cluster]:
            doors[cluster].inside("probe-" + name, f"mkdir -p /www; httpd -p {port} -h /www")
    addresses = {n["name"]: n["address"].split("/")[0] for cluster in doors for n in campus.nodes(cluster)}
    for cluster, other in (("demo", "two"), ("two", "demo")):
        door, here = doors[cluster], names[cluster][1]
        own = {f"{addresses[names[cluster][0]]}:6443", f"{pods[cluster][names[cluster][0]]}:{ports[cluster]}"}
        foreign = {f"{addresses[names[other][0]]}:6443"} | {f"{addresses[n]}:22" for n in names[other]} \
            | {f"{pods[other][n]}:{ports[other]}" for n in names[other]}
        for target in sorted(own | foreign):
            host, port = target.split(":")
            answers = {"a pod": door.inside("probe-" + here, f"nc -w 5 {host} {port} </dev/null >/dev/null 2>&1 && echo open || echo closed"),
                       "a node": campus.ssh(here, f"timeout 5 bash -c '</dev/tcp/{host}/{port}' 2>/dev/null && echo open || echo closed")
                       .stdout.strip()}
            for where, word in answers.items():
                expect(word == ("open" if target in own else "closed"), f"from {where} of {cluster}: {target} is {word}")
        print(f"    {cluster}: {len(own)} own ends open, {len(foreign)} of {other} closed, from a pod and from a node")
    campus.two.close()
    campus.dure("cluster", "delete", "two", timeout=300)


def a_dead_kubelet_is_told_and_repaired(campus):
    """A worker whose kubelet is dead is not ready within two minutes, and says why; `cluster repair` begins it anew."""
    # Masked until the next boot: systemd starts one that has only ended.
    campus.ssh("demo-w1", "sudo systemctl mask --runtime --now kubelet")
    told, row = wait_node(campus, "demo-w1", ["unknown"], ["kubelet"], TOLD_SECONDS)
    expect(row["vm_state"] == "running", f"it does not run: {row}")
    seen = campus.json("cluster", "show", "demo")
    expect(seen["state"] == "degraded" and "demo-w1" in seen["reason"], f"the cluster: {seen['state']}, {seen['reason']}")
    begin = time.monotonic()
    command(campus, "cluster", "repair", "demo", "--no-wait")
    wait_node(campus, "demo-w1", ["ready"], seconds=READY_SECONDS)
    took = time.monotonic() - begin
    wait_for("all nodes are Ready", lambda: campus.demo.ready_nodes() == {n["name"] for n in campus.nodes("demo")}, 300)
    tell(f"demo-w1 is unknown after {told:.0f} s ({row['reason']}), and ready again {took:.0f} s after `cluster repair`")
