"""A cluster's Kubernetes seen from outside, as its user does: a kubeconfig and a proxy of `dure`, and the kit's kubectl."""

import json
import os
import subprocess
import time

from campus import STATE, Failed, expect, run, wait_for

PROBE = "docker.io/library/probe:1"  # busybox; among the images of the kit
READY_SECONDS = 2400                 # kubeadm under emulation, three guests on two cores
# What an API server says whose etcd misses its own deadlines: an emulated one does when guests boot beside it. Clients try again.
NOT_NOW = ("etcdserver: request timed out", "etcdserver: leader changed", "TLS handshake timeout",
           "the server is currently unable to handle the request", "the server was unable to return a response in the time allotted")
NOT_NOW_SECONDS = 300


def kit(*parts):
    return os.path.join(os.environ["DURE_KUBERNETES_DIR"], *parts)


def version():
    return run([kit("bin", "kubeadm"), "version", "-o", "short"], 60).stdout.strip()


def condition(thing, kind):
    return next((c["status"] for c in thing["status"].get("conditions", []) if c["type"] == kind), None)


class Door:
    """A kubeconfig of two hours, and a proxy that carries kubectl through control node and agent."""

    def __init__(self, campus, cluster, port=16443):
        self.cluster, self.kubeconfig = cluster, f"{STATE}/kubeconfig-{cluster}"
        campus.dure("cluster", "kubeconfig", cluster, "--for", "2h", "--out", self.kubeconfig,
                    "--server", f"https://127.0.0.1:{port}", timeout=180)
        expect(os.stat(self.kubeconfig).st_mode & 0o077 == 0, "others may read the kubeconfig")
        self.proxy = campus.dure_background("cluster", "proxy", cluster, "--port", str(port))

        def may_list():
            self.kubectl("get", "nodes", timeout=60)
            return True
        wait_for("the credential is known in the cluster", may_list, 300)

    def close(self):
        self.proxy.terminate()
        self.proxy.wait()

    def kubectl(self, *argv, timeout=300, stdin=""):
        """What it prints. Only for what may be done twice: it is tried again when the server says that it could not now."""
        end = time.monotonic() + NOT_NOW_SECONDS
        while True:
            done = subprocess.run([kit("bin", "kubectl"), "--kubeconfig", self.kubeconfig, *argv], capture_output=True, text=True,
                                  timeout=timeout, check=False, input=stdin)
            if done.returncode == 0:
                return done.stdout
            said = next((words for words in NOT_NOW if words in done.stderr), None)
            if said is None or time.monotonic() > end:
                raise Failed(f"`kubectl {' '.join(argv)[:200]}` ended with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
            print(f"    kubectl {argv[0]}: again, the server said: {said}", flush=True)
            time.sleep(5)

    def objects(self, *argv):
        return json.loads(self.kubectl("get", *argv, "-o", "json"))["items"]

    def inside(self, pod, command, timeout=300):
        return self.kubectl("exec", pod, "--", "/bin/sh", "-c", command, timeout=timeout).strip()

    def ready_nodes(self):
        return {n["metadata"]["name"] for n in self.objects("nodes") if condition(n, "Ready") == "True"}

    def run_probes(self, nodes, command, services=()):
        """A pod `probe-NODE` on each node, all running when this returns; -> {node: address of its pod}."""
        items = [_probe(node, command) for node in nodes] + list(services)
        # Checked by the server, not by kubectl: what it needs for that takes the server half a minute under emulation.
        self.kubectl("apply", "--validate=false", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

        def running():
            states = {p["metadata"]["name"]: condition(p, "Ready") for p in self.objects("pods", "-l", "app=probe")}
            return True if len(states) == len(nodes) and set(states.values()) == {"True"} else states
        wait_for("a pod runs on each node", running, 600)
        return {p["metadata"]["name"].removeprefix("probe-"): p["status"]["podIP"] for p in self.objects("pods", "-l", "app=probe")}


def _probe(node, command):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe-" + node, "labels": {"app": "probe"}},
            "spec": {"nodeName": node, "tolerations": [{"operator": "Exists"}], "terminationGracePeriodSeconds": 1,
                     "containers": [{"name": "probe", "image": PROBE, "imagePullPolicy": "Never",
                                     "command": ["/bin/sh", "-c", command]}]}}


def service(name, port, target):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": "probe"}, "ports": [{"port": port, "targetPort": target}]}}


def stages(campus, node):
    """{stage: milliseconds after its kernel's start}"""
    return {s["name"]: s["at_ms"] for s in campus.json("node", "show", node)["stages"]}
