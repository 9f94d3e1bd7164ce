"""Real Kubernetes on real hosts, in order: each case builds on the state that the one before has left."""

import json
import os
import re
import sys
import time

import cases
from campus import STATE, Campus, Failed, expect, run, wait_for
from kubernetes_faults import (a_dead_kubelet_is_told_and_repaired, clusters_do_not_reach_each_other,
                               second_cluster_comes_up_through_faults)
from kubernetes_members import three_members_without_a_pod_network
from kubernetes_tools import READY_SECONDS, Door, condition, kit, service, stages, version
from running import run_cases
from wire import Capture

STAGES = ["booted", "network", "configured", "containerd", "join", "ready"]
CREDENTIAL_SECONDS = 420  # a kubelet renews its own at 0.7 to 0.9 of it, which takes a while under emulation


def up_makes_a_kubernetes_cluster(campus):
    """`campus up --kubernetes-dir DIR` ends with one control plane and two workers on three hosts at two sites."""
    campus.up("--kubernetes-dir", kit(), "--set", f"nodes.credential_s={CREDENTIAL_SECONDS}")
    nodes = campus.nodes("demo")
    expect(sorted(n["name"] for n in nodes) == ["demo-cp1", "demo-w1", "demo-w2"], f"nodes: {nodes}")
    expect({n["state"] for n in nodes} == {"ready"}, f"states: {nodes}")
    expect(len({n["host"] for n in nodes}) == 3 and len({n["site"] for n in nodes}) == 2, f"hosts: {nodes}")
    for node in nodes:
        reached = stages(campus, node["name"])
        print(f"    {node['name']}: " + ", ".join(f"{name} {at / 1000:.1f} s" for name, at in reached.items()))
        wanted = [("init" if node["role"] == "control-plane" and s == "join" else s) for s in STAGES]
        expect(set(wanted) <= set(reached), f"{node['name']} has not said {set(wanted) - set(reached)}")
    campus.ready_at = time.monotonic()


def every_node_is_ready_by_itself(campus):
    """kubectl shows all nodes Ready, at the version of the kit, in the zone of their site."""
    campus.demo = Door(campus, "demo")
    sites = {n["name"]: n["site"] for n in campus.nodes("demo")}
    seen = campus.demo.objects("nodes")
    expect({n["metadata"]["name"] for n in seen} == set(sites), f"nodes: {[n['metadata']['name'] for n in seen]}")
    for node in seen:
        name = node["metadata"]["name"]
        expect(condition(node, "Ready") == "True", f"{name} is not Ready: {node['status'].get('conditions')}")
        expect(node["status"]["nodeInfo"]["kubeletVersion"] == version(), f"{name} runs another version than {version()}")
        expect(node["metadata"]["labels"].get("topology.kubernetes.io/zone") == sites[name], f"{name}: {node['metadata']['labels']}")
    server = json.loads(campus.demo.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]
    expect(server == version(), f"the API server is {server}")
    etcd = [p for p in campus.demo.objects("pods", "-n", "kube-system") if p["metadata"]["name"].startswith("etcd-")]
    expect(etcd and condition(etcd[0], "Ready") == "True", "etcd is not ready")


def pods_reach_each_other(campus):
    """A pod on each node; pod to pod across sites, pod to service, the service's name; 50 MB intact; MTU and wire as computed."""
    names = [n["name"] for n in campus.nodes("demo")]
    serve = "mkdir -p /www; head -c 50000000 /dev/urandom > /www/data; sha256sum /www/data | cut -c1-64 > /www/sum; httpd -f -p 8080 -h /www"
    addresses = campus.demo.run_probes(names, serve, [service("probe", 80, 8080)])
    prefixes = {n["name"]: n["pods"] for n in (campus.json("node", "show", name) for name in names)}
    for name, address in addresses.items():
        expect(address.rsplit(".", 1)[0] == prefixes[name].split("/")[0].rsplit(".", 1)[0], f"{name}: {address}, {prefixes[name]}")

    def inside(name, command):
        return campus.demo.inside("probe-" + name, command)

    first, other = cases.nodes_across_sites(campus)
    captures = {host: Capture(host) for host in (first["host"], other["host"])}
    begin = time.monotonic()
    there = addresses[other["name"]]
    sums = inside(first["name"], f"wget -q -O - http://{there}:8080/data | sha256sum | cut -c1-64; "
                                 f"wget -q -O - http://{there}:8080/sum").split()
    took = time.monotonic() - begin
    expect(len(sums) == 2 and sums[0] == sums[1], f"the 50 MB differ: {sums}")
    for host, capture in captures.items():
        seen = capture.end()
        print(f"    50 MB from pod to pod across sites in {took:.1f} s; {host}: {seen['vxlan']} VXLAN packets, {seen['nested']} with "
              f"VXLAN in them")
        expect(seen["vxlan"] > 500 and seen["nested"] == 0, f"{host}'s uplink: {seen}")
    for name in names:
        # CoreDNS starts when there is a node that is Ready, so it may still be on its way.
        wait_for(f"{name} knows the service by its name",
                 lambda at=name: len(inside(at, "wget -q -O - http://probe.default.svc.cluster.local/sum")) == 64, 600)
    for host in {n["host"] for n in campus.nodes("demo")}:
        lines = [line.split() for line in campus.exec(host, "cat", "/proc/net/snmp").stdout.splitlines() if line.startswith("Ip:")]
        counters = dict(zip(lines[0][1:], lines[1][1:]))
        expect(counters["FragCreates"] == "0", f"{host} fragments: {counters['FragCreates']}")
    mtu = inside(first["name"], "cat /sys/class/net/eth0/mtu")
    expect(mtu == str(cases.MTU), f"the pods' MTU is {mtu}, not {cases.MTU}")


def workers_come_and_go(campus):
    """The third worker joins when the first ones' credentials have expired; of the drained ones no Node object, certificate request
    or route is left."""
    wait_for("the credentials of the first nodes are out of date",
             lambda: time.monotonic() - campus.ready_at > CREDENTIAL_SECONDS, CREDENTIAL_SECONDS + 60)
    begin = time.monotonic()
    campus.dure("cluster", "scale", "demo", "--workers", "3", timeout=READY_SECONDS)
    everyone = {"demo-cp1", "demo-w1", "demo-w2", "demo-w3"}
    wait_for("four nodes are Ready", lambda: campus.demo.ready_nodes() == everyone, 300)
    print(f"    2 -> 3 workers in {time.monotonic() - begin:.0f} s")
    begin = time.monotonic()
    campus.dure("cluster", "scale", "demo", "--workers", "1", timeout=900)
    print(f"    3 -> 1 worker in {time.monotonic() - begin:.0f} s")
    left = {n["metadata"]["name"] for n in campus.demo.objects("nodes")}
    expect(left == {"demo-cp1", "demo-w1"}, f"Node objects: {left}")

    def requests_gone():
        requests = {r["spec"]["username"] for r in campus.demo.objects("certificatesigningrequests")}
        return True if not requests & {"system:node:demo-w2", "system:node:demo-w3"} else f"requests of {requests}"
    wait_for("no certificate request of a drained node is left", requests_gone, 120)

    def routes_gone(node):
        routes = campus.ssh(node, "ip -4 route show").stdout
        return True if len(re.findall(r"^10\.6[4-9]\..* via |^10\.7\d\..* via ", routes, re.M)) == 1 else routes
    for node in ("demo-cp1", "demo-w1"):
        wait_for(f"{node} has one route to other nodes' pods", lambda at=node: routes_gone(at), 120)
    campus.check("demo")


def private_keys(campus):
    """{what: a line of base64 out of the middle of the key}, read in the control-plane node."""
    found = {}
    for path in ("ca.key", "sa.key", "etcd/ca.key", "front-proxy-ca.key"):
        text = campus.ssh("demo-cp1", f"sudo cat /etc/kubernetes/pki/{path}").stdout.split("\n")
        found[path] = text[1]
        expect(len(text[1]) > 40, f"{path} is no key")
    return found


def in_processes(secret):
    """Processes of the machine that have it in their arguments or environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                with open(f"/proc/{pid}/{name}", "rb") as handle:
                    if secret.encode() in handle.read():
                        found.append(f"{pid}/{name}")
            except OSError:
                continue
    return found


def files_with(text, where, *options):
    return run(["grep", "-rlaF", *options, text, where], 300, check=False).stdout


def secrets_are_nowhere(campus):
    """No private key is in the database, the logs, a journal or a seed, nor in a process' arguments or environment; on a host
    without a node of the cluster it is nowhere, disks of guests included."""
    dump = run(["pg_dump", campus.environment_of("DURE_CAMPUS_DB")], 120).stdout
    used = {n["host"] for n in campus.nodes("demo")}
    idle = [h for h in ("h1", "h2", "h3") if h not in used]
    expect(len(idle) == 1, f"hosts with nodes: {used}")
    shown = "".join(campus.dure(*argv, "-o", "json").stdout for argv in
                    (["cluster", "show", "demo"], ["node", "list"], ["host", "list"], ["operation", "list"], ["event", "list"]))
    ours = ("--exclude-dir=blobs", "--exclude-dir=image", "--exclude=*.qcow2")  # the guest's own disk, which is the guest's, apart
    without = f"{STATE}/hosts/{idle[0]}"
    expect(files_with(STATE, STATE, *ours) and files_with(STATE, without), f"the search of {without} finds nothing at all")
    for path, canary in private_keys(campus).items():
        expect(canary not in dump, f"{path} is in the database")
        expect(canary not in shown, f"{path} is shown")
        expect(not in_processes(canary), f"{path} is in {in_processes(canary)}")
        found = files_with(canary, STATE, *ours)
        expect(not found, f"{path} is in {found}")
        found = files_with(canary, without)
        expect(not found, f"{path} is in {found}, on a host without a node of the cluster")
    for node in ("demo-cp1", "demo-w1"):
        left = campus.ssh(node, "sudo ls /etc/dure").stdout.split()
        expect("discovery.conf" not in left and "kubeadm.json" not in left, f"{node} keeps {left}")


def a_revoked_credential_is_refused(campus):
    """After `dure cluster access revoke` the same kubeconfig opens nothing any more."""
    user = json.loads(campus.dure("cluster", "access", "list", "demo", "-o", "json").stdout)["items"][0]["user"]
    campus.dure("cluster", "access", "revoke", "demo", user)

    def refused():
        try:
            campus.demo.kubectl("get", "nodes", timeout=60)
        except Failed as failure:
            return "orbidden" in str(failure) or str(failure)
        return "it still lists nodes"
    wait_for("the credential is refused", refused, 120)


def delete_leaves_nothing(campus):
    campus.demo.close()
    campus.dure("cluster", "delete", "demo", timeout=300)
    campus.check("--empty")


CASES = [up_makes_a_kubernetes_cluster, every_node_is_ready_by_itself, pods_reach_each_other, workers_come_and_go,
         a_dead_kubelet_is_told_and_repaired, second_cluster_comes_up_through_faults, clusters_do_not_reach_each_other, secrets_are_nowhere,
         a_revoked_credential_is_refused, delete_leaves_nothing, three_members_without_a_pod_network,
         cases.down_leaves_nothing]


def main():
    if os.geteuid() != 0:
        print("skipped: root is needed for network namespaces")
        return 77
    if not os.environ.get("DURE_KUBERNETES_DIR"):
        print("skipped: no Kubernetes here; DURE_KUBERNETES_DIR=DIR names its binaries and images (packaging/image/README.md)")
        return 77
    campus = Campus(os.environ.get("DURE_BUILD_DIR", os.path.join(os.path.dirname(__file__), "..", "..", "build", "dev")),
                    ["--kubernetes"])
    return run_cases(campus, CASES, sys.argv[1:])
