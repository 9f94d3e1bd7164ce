"""Real Kubernetes on real hosts, in order: each case builds on the state that the one before has left."""

import json
import os
import re
import subprocess
import sys
import time

import cases
from campus import Campus, Failed, expect, run, wait_for

READY_SECONDS = 2400  # kubeadm under emulation, three guests on two cores
STAGES = ["booted", "network", "configured", "containerd", "join", "ready"]
PROBE = "docker.io/library/probe:1"  # busybox; among the images of the kit


KUBECONFIG = "/var/lib/dure-campus-e2e/kubeconfig"


def kubectl(campus, *argv, timeout=300, stdin=None):
    """From outside, as a user does it: with a kubeconfig of `dure`, through the proxy that `open_door` has started."""
    del campus
    program = os.path.join(os.environ["DURE_KUBERNETES_DIR"], "bin", "kubectl")
    done = subprocess.run([program, "--kubeconfig", KUBECONFIG, *argv], capture_output=True, text=True, timeout=timeout,
                          check=False, input=stdin if stdin is not None else "")
    if done.returncode != 0:
        raise Failed(f"`kubectl {' '.join(argv)[:200]}` ended with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done


def open_door(campus):
    """A kubeconfig of two hours, and a proxy that carries kubectl through control node and agent."""
    campus.dure("cluster", "kubeconfig", "demo", "--for", "2h", "--out", KUBECONFIG)
    expect(os.stat(KUBECONFIG).st_mode & 0o077 == 0, "others may read the kubeconfig")
    campus.proxy = campus.dure_background("cluster", "proxy", "demo")

    def may_list():
        kubectl(campus, "get", "nodes", timeout=60)
        return True
    wait_for("the credential is known in the cluster", may_list, 120)


def objects(campus, *argv):
    return json.loads(kubectl(campus, "get", *argv, "-o", "json").stdout)["items"]


def condition(thing, kind):
    return next((c["status"] for c in thing["status"].get("conditions", []) if c["type"] == kind), None)


def up_makes_a_kubernetes_cluster(campus):
    """`campus up --kubernetes-dir DIR` ends with one control plane and two workers on three hosts at two sites."""
    campus.up("--kubernetes-dir", os.environ["DURE_KUBERNETES_DIR"])
    nodes = campus.nodes("demo")
    expect(sorted(n["name"] for n in nodes) == ["demo-cp1", "demo-w1", "demo-w2"], f"nodes: {nodes}")
    expect({n["state"] for n in nodes} == {"ready"}, f"states: {nodes}")
    expect(len({n["host"] for n in nodes}) == 3 and len({n["site"] for n in nodes}) == 2, f"hosts: {nodes}")
    for node in nodes:
        reached = {s["name"]: s["at_ms"] for s in campus.json("node", "show", node["name"])["stages"]}
        print(f"    {node['name']}: " + ", ".join(f"{name} {at / 1000:.1f} s" for name, at in reached.items()))
        wanted = [("init" if node["role"] == "control-plane" and s == "join" else s) for s in STAGES]
        expect(set(wanted) <= set(reached), f"{node['name']} has not said {set(wanted) - set(reached)}")


def every_node_is_ready_by_itself(campus):
    """kubectl shows all nodes Ready, at the version of the kit, in the zone of their site."""
    open_door(campus)
    version = run([os.path.join(os.environ["DURE_KUBERNETES_DIR"], "bin", "kubeadm"), "version", "-o", "short"], 60).stdout.strip()
    sites = {n["name"]: n["site"] for n in campus.nodes("demo")}
    seen = objects(campus, "nodes")
    expect({n["metadata"]["name"] for n in seen} == set(sites), f"nodes: {[n['metadata']['name'] for n in seen]}")
    for node in seen:
        name = node["metadata"]["name"]
        expect(condition(node, "Ready") == "True", f"{name} is not Ready: {node['status'].get('conditions')}")
        expect(node["status"]["nodeInfo"]["kubeletVersion"] == version, f"{name} runs another version than {version}")
        expect(node["metadata"]["labels"].get("topology.kubernetes.io/zone") == sites[name], f"{name}: {node['metadata']['labels']}")
    server = json.loads(kubectl(campus, "version", "-o", "json").stdout)["serverVersion"]["gitVersion"]
    expect(server == version, f"the API server is {server}")
    etcd = [p for p in objects(campus, "pods", "-n", "kube-system") if p["metadata"]["name"].startswith("etcd-")]
    expect(etcd and condition(etcd[0], "Ready") == "True", "etcd is not ready")


def pod(name, node, command):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "probe"}},
            "spec": {"nodeName": node, "tolerations": [{"operator": "Exists"}], "terminationGracePeriodSeconds": 1,
                     "containers": [{"name": "probe", "image": PROBE, "imagePullPolicy": "Never",
                                     "command": ["/bin/sh", "-c", command]}]}}


def pods_reach_each_other(campus):
    """A pod on each node; pod to pod across sites, pod to service, the service's name; 50 MB intact; MTU as computed."""
    names = [n["name"] for n in campus.nodes("demo")]
    serve = "mkdir -p /www; head -c 50000000 /dev/urandom > /www/data; sha256sum /www/data | cut -c1-64 > /www/sum; httpd -f -p 8080 -h /www"
    items = [pod("probe-" + n, n, serve) for n in names]
    items.append({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "probe"},
                  "spec": {"selector": {"app": "probe"}, "ports": [{"port": 80, "targetPort": 8080}]}})
    kubectl(campus, "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def running():
        pods = objects(campus, "pods")
        states = {p["metadata"]["name"]: condition(p, "Ready") for p in pods}
        return True if len(states) == len(names) and set(states.values()) == {"True"} else states
    wait_for("a pod runs on each node", running, 600)
    addresses = {p["metadata"]["name"].removeprefix("probe-"): p["status"]["podIP"] for p in objects(campus, "pods")}
    prefixes = {n["name"]: n["pods"] for n in (campus.json("node", "show", name) for name in names)}
    for name, address in addresses.items():
        expect(address.rsplit(".", 1)[0] == prefixes[name].split("/")[0].rsplit(".", 1)[0], f"{name}: {address}, {prefixes[name]}")

    def inside(name, command, timeout=300):
        return kubectl(campus, "exec", "probe-" + name, "--", "/bin/sh", "-c", command, timeout=timeout).stdout.strip()

    first, other = (n["name"] for n in cases.nodes_across_sites(campus))
    begin = time.monotonic()
    sums = inside(first, f"wget -q -O - http://{addresses[other]}:8080/data | sha256sum | cut -c1-64; "
                         f"wget -q -O - http://{addresses[other]}:8080/sum").split()
    expect(len(sums) == 2 and sums[0] == sums[1], f"the 50 MB differ: {sums}")
    print(f"    50 MB from pod to pod across sites in {time.monotonic() - begin:.1f} s")
    for name in names:
        # CoreDNS starts when there is a node that is Ready, so it may still be on its way.
        wait_for(f"{name} knows the service by its name",
                 lambda at=name: len(inside(at, "wget -q -O - http://probe.default.svc.cluster.local/sum")) == 64, 600)
    for host in {n["host"] for n in campus.nodes("demo")}:
        lines = [line.split() for line in campus.exec(host, "cat", "/proc/net/snmp").stdout.splitlines() if line.startswith("Ip:")]
        counters = dict(zip(lines[0][1:], lines[1][1:]))
        expect(counters["FragCreates"] == "0", f"{host} fragments: {counters['FragCreates']}")
    mtu = inside(first, "cat /sys/class/net/eth0/mtu")
    expect(mtu == str(cases.MTU), f"the pods' MTU is {mtu}, not {cases.MTU}")


def workers_come_and_go(campus):
    """Scaled to 3 the new worker joins; scaled to 1 the drained nodes leave no Node object and no route."""
    campus.dure("cluster", "scale", "demo", "--workers", "3", timeout=READY_SECONDS)
    wait_for("four nodes are Ready", lambda: len([n for n in objects(campus, "nodes") if condition(n, "Ready") == "True"]) == 4, 300)
    campus.dure("cluster", "scale", "demo", "--workers", "1", timeout=900)
    left = {n["metadata"]["name"] for n in objects(campus, "nodes")}
    expect(left == {"demo-cp1", "demo-w1"}, f"Node objects: {left}")
    for node in ("demo-cp1", "demo-w1"):
        routes = campus.ssh(node, "ip -4 route show").stdout
        expect(len(re.findall(r"^10\.64\..* via ", routes, re.M)) == 1, f"{node}'s routes:\n{routes}")
    campus.check("demo")


def secrets_are_nowhere(campus):
    """No private key is in the database, the logs, a journal or a seed, nor in a process' arguments."""
    canaries = {}
    for path in ("/etc/kubernetes/pki/ca.key", "/etc/kubernetes/pki/sa.key", "/etc/kubernetes/pki/etcd/ca.key"):
        text = campus.ssh("demo-cp1", f"sudo cat {path}").stdout.split("\n")
        canaries[path] = text[1]  # a line of base64 out of the middle of the key
        expect(len(text[1]) > 40, f"{path} is no key")
    state = "/var/lib/dure-campus-e2e"
    dump = run(["pg_dump", campus.environment_of("DURE_CAMPUS_DB")], 120).stdout
    for path, canary in canaries.items():
        expect(canary not in dump, f"{path} is in the database")
        found = run(["grep", "-rlaF", "--exclude-dir=blobs", "--exclude-dir=image", "--exclude=*.qcow2", canary, state], 300, check=False).stdout
        expect(not found, f"{path} is in {found}")  # the guest's own disk, which is the guest's, apart
    for node in ("demo-cp1", "demo-w1"):
        left = campus.ssh(node, "sudo ls /etc/dure").stdout.split()
        expect("discovery.conf" not in left and "kubeadm.json" not in left, f"{node} keeps {left}")


def a_revoked_credential_is_refused(campus):
    """After `dure cluster access revoke` the same kubeconfig opens nothing any more."""
    user = json.loads(campus.dure("cluster", "access", "list", "demo", "-o", "json").stdout)["items"][0]["user"]
    campus.dure("cluster", "access", "revoke", "demo", user)

    def refused():
        try:
            kubectl(campus, "get", "nodes", timeout=60)
        except Failed as failure:
            return "orbidden" in str(failure) or str(failure)
        return "it still lists nodes"
    wait_for("the credential is refused", refused, 120)


def delete_leaves_nothing(campus):
    campus.proxy.terminate()
    campus.proxy.wait()
    campus.dure("cluster", "delete", "demo", timeout=300)
    campus.check("--empty")


CASES = [up_makes_a_kubernetes_cluster, every_node_is_ready_by_itself, pods_reach_each_other, workers_come_and_go,
         secrets_are_nowhere, a_revoked_credential_is_refused, delete_leaves_nothing, cases.down_leaves_nothing]


def main():
    if os.geteuid() != 0:
        print("skipped: root is needed for network namespaces")
        return 77
    if not os.environ.get("DURE_KUBERNETES_DIR"):
        print("skipped: no Kubernetes here; DURE_KUBERNETES_DIR=DIR names its binaries and images (packaging/image/README.md)")
        return 77
    campus = Campus(os.environ.get("DURE_BUILD_DIR", os.path.join(os.path.dirname(__file__), "..", "..", "build", "dev")),
                    ["--kubernetes"])
    return cases.run_cases(campus, CASES, sys.argv[1:])
