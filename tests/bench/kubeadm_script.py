"""The peer of `cluster_ready`: what an administrator's script does with the same VMs. kubeadm over SSH, one node after the other."""

import json
import time

from campus import wait_for

PATIENT = "1800s"


def _kubeadm_config(address, node, version, pods):
    """kubeadm's defaults, but for what the place needs: its address, the pod network, and time for emulation."""
    timeouts = {name: PATIENT for name in ("controlPlaneComponentHealthCheck", "kubeletHealthCheck", "kubernetesAPICall",
                                           "etcdAPICall", "tlsBootstrap", "discovery")}
    documents = [
        {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "InitConfiguration", "localAPIEndpoint": {"advertiseAddress": address},
         "nodeRegistration": {"name": node, "imagePullPolicy": "Never", "ignorePreflightErrors": ["all"],
                              "criSocket": "unix:///run/containerd/containerd.sock"}, "timeouts": timeouts},
        {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration", "kubernetesVersion": version,
         "networking": {"podSubnet": pods}, "controllerManager": {"extraArgs": [{"name": "allocate-node-cidrs", "value": "false"}]}},
        {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "nftables",
         "conntrack": {"maxPerCore": 0}},
    ]
    return "\n---\n".join(json.dumps(each) for each in documents)


class Script:
    """The VMs must be members of a cluster of ours; they are taken out of it first."""

    def __init__(self, campus, nodes, version, pods):
        self.campus, self.version, self.pods = campus, version, pods
        self.first = next(n for n in nodes if n["role"] == "control-plane")
        self.workers = [n for n in nodes if n["role"] == "worker"]

    def clear(self):
        """Not timed. What Dure runs in the node is stopped, kubeadm's own reset takes the cluster away; addresses, routes and the
        pod network's configuration stay, so that both have the same network."""
        for node in [*self.workers, self.first]:
            self._as_root(node, "systemctl stop dure-stage; kubeadm reset --force >/dev/null 2>&1; rm -rf /etc/kubernetes/pki "
                                "/var/lib/etcd /var/lib/kubelet/pki; mkdir -p /etc/kubernetes/manifests; ! pgrep -x kube-apiserver",
                          timeout=600)

    def run(self):
        """-> seconds of {init, join-1, join-2, ..., ready}"""
        took = {}
        config = _kubeadm_config(self.first["address"].split("/")[0], self.first["name"], self.version, self.pods)
        with _timed(took, "init"):
            self._as_root(self.first, "umask 77; cat > /root/kubeadm.json; kubeadm init --config /root/kubeadm.json", stdin=config)
        for number, worker in enumerate(self.workers, 1):
            with _timed(took, f"join-{number}"):
                join = self._as_root(self.first, "kubeadm token create --print-join-command").strip()
                self._as_root(worker, f"{join} --node-name {worker['name']} --ignore-preflight-errors=all")
        with _timed(took, "ready"):
            wait_for("the script's nodes are Ready", self._all_ready, 900)
        return took

    def _all_ready(self):
        items = json.loads(self._as_root(self.first, "kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes -o json"))["items"]
        ready = [n["metadata"]["name"] for n in items
                 if any(c["type"] == "Ready" and c["status"] == "True" for c in n["status"].get("conditions", []))]
        return True if len(ready) == 1 + len(self.workers) else ready

    def _as_root(self, node, command, timeout=2400, stdin=""):
        return self.campus.ssh_with_input(node["name"], ["sudo", "sh", "-c", command], stdin, timeout)


class _timed:
    def __init__(self, took, name):
        self.took, self.name = took, name

    def __enter__(self):
        self.begin = time.monotonic()

    def __exit__(self, *_):
        self.took[self.name] = time.monotonic() - self.begin
