"""What the control node would make for the clusters of `smoke --kubernetes`: keys, kubeadm's configuration, documents.

Keys and certificates are made by the openssl program, all of P-256. The documents are what the guests are proven with.
"""

import base64
import hashlib
import json
import os
import subprocess
import uuid

API = "api.smoke.dure.internal"
GATEWAY = "10.128.0.1"
PODS, SERVICES = "10.64.0.0/12", "10.96.0.0/16"
MTU = 1400


class Keys:
    """A cluster's keys; each is made in memory-backed files that go with this object's folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o700)
        for name in ("ca", "front-proxy-ca", "etcd-ca"):
            self._key(name)
            self._run("req", "-x509", "-new", "-key", name + ".key", "-subj", f"/CN={name}", "-days", "3650", "-sha256",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature", "-out", name + ".crt")
        self._key("sa")
        self._run("pkey", "-in", "sa.key", "-pubout", "-out", "sa.pub")

    def _run(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()[-300:]}")

    def _key(self, name):
        self._run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name + ".key")

    def text(self, name):
        return (self.folder / name).read_text()

    def node_client(self, node):
        self._key(node)
        self._run("req", "-new", "-key", node + ".key", "-subj", f"/O=system:nodes/CN=system:node:{node}", "-out", node + ".csr")
        (self.folder / "client.ext").write_text("keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n")
        self._run("x509", "-req", "-in", node + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-set_serial",
                  "0x" + os.urandom(15).hex(), "-days", "1", "-sha256", "-extfile", "client.ext", "-out", node + ".crt")
        return self.text(node + ".crt"), self.text(node + ".key")

    def pki_files(self):
        names = {"ca.crt": "ca.crt", "ca.key": "ca.key", "front-proxy-ca.crt": "front-proxy-ca.crt",
                 "front-proxy-ca.key": "front-proxy-ca.key", "sa.pub": "sa.pub", "sa.key": "sa.key",
                 "etcd/ca.crt": "etcd-ca.crt", "etcd/ca.key": "etcd-ca.key"}
        return [file(f"/etc/kubernetes/pki/{to}", self.text(name)) for to, name in names.items()]


def file(path, content, mode="0600"):
    return {"path": path, "mode": mode, "content": content}


def flags(**values):
    return [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]


def registration(node, labels, taints):
    made = {"name": node.name, "criSocket": "unix:///run/containerd/containerd.sock", "imagePullPolicy": "Never",
            "kubeletExtraArgs": flags(node_ip=node.address, node_labels=labels)}
    return made if taints is None else {**made, "taints": taints}


def timeouts(patience):
    seconds = {"controlPlaneComponentHealthCheck": 240, "kubeletHealthCheck": 240, "kubernetesAPICall": 60,
               "etcdAPICall": 120, "tlsBootstrap": 300, "discovery": 300}
    return {name: f"{int(value * patience)}s" for name, value in seconds.items()}


def init_documents(node, version, patience):
    # The controller manager waits for its API server while it stands for election; alone it would give up and start anew.
    patient = flags(leader_elect_lease_duration="60s", leader_elect_renew_deadline="45s", leader_elect_retry_period="2s")
    return [
        {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "InitConfiguration",
         "nodeRegistration": registration(node, "topology.kubernetes.io/zone=smoke", None),
         "localAPIEndpoint": {"advertiseAddress": node.address, "bindPort": 6443},
         "skipPhases": ["preflight", "upload-certs", "bootstrap-token", "show-join-command"],
         "timeouts": timeouts(patience)},
        {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration", "clusterName": "smoke",
         "kubernetesVersion": version, "controlPlaneEndpoint": f"{API}:6443", "encryptionAlgorithm": "ECDSA-P256",
         "certificateValidityPeriod": "8760h0m0s", "caCertificateValidityPeriod": "87600h0m0s",
         "certificatesDir": "/etc/kubernetes/pki", "imageRepository": "registry.k8s.io",
         "networking": {"serviceSubnet": SERVICES, "dnsDomain": "cluster.local"},
         "apiServer": {"certSANs": [API, "localhost", "127.0.0.1"]},
         "controllerManager": {"extraArgs": patient}, "scheduler": {"extraArgs": flags(leader_elect="false")},
         "etcd": {"local": {"dataDir": "/var/lib/etcd"}}},
        {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "cgroupDriver": "systemd",
         "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local", "rotateCertificates": True,
         "resolvConf": "/etc/resolv.conf", "failSwapOn": True, "makeIPTablesUtilChains": False},
        {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "nftables",
         "clusterCIDR": PODS, "detectLocalMode": "ClusterCIDR", "conntrack": {"maxPerCore": 0}}]


def join_document(node, patience):
    return {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "JoinConfiguration",
            "discovery": {"file": {"kubeConfigPath": "/etc/dure/discovery.conf"}},
            "nodeRegistration": registration(node, "topology.kubernetes.io/zone=smoke", []),
            "skipPhases": ["preflight"], "timeouts": timeouts(patience)}


def discovery(node, keys):
    certificate, key = keys.node_client(node.name)
    coded = {name: base64.b64encode(text.encode()).decode() for name, text in
             (("ca", keys.text("ca.crt")), ("certificate", certificate), ("key", key))}
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "smoke",
        "clusters": [{"name": "smoke", "cluster": {"server": f"https://{API}:6443", "certificate-authority-data": coded["ca"]}}],
        "contexts": [{"name": "smoke", "context": {"cluster": "smoke", "user": node.name}}],
        "users": [{"name": node.name, "user": {"client-certificate-data": coded["certificate"],
                                               "client-key-data": coded["key"]}}]})


def network_plugin(node):
    return json.dumps({"cniVersion": "1.0.0", "name": "dure", "plugins": [
        {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "mtu": MTU,
         "ipam": {"type": "host-local", "ranges": [[{"subnet": node.pods}]], "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "capabilities": {"portMappings": True}}]})


def document_of(node, nodes, keys, version, args, departing=(), joined=False):
    """What the control node would send: bytes, and their revision."""
    one_line = {"separators": (",", ":")}
    if joined:
        files = []
    elif node.role == "init":
        parts = init_documents(node, version, args.patience)
        files = keys.pki_files()
    else:
        parts = [join_document(node, args.patience)]
        files = [file("/etc/dure/discovery.conf", discovery(node, keys))]
    if not joined:
        files.append(file("/etc/dure/kubeadm.json", "\n---\n".join(json.dumps(part, **one_line) for part in parts) + "\n"))
    files.append(file("/etc/cni/net.d/10-dure.conflist", network_plugin(node), "0644"))
    hosts = [[each.address, each.name] for each in nodes]
    hosts.append([next(each.address for each in nodes if each.role == "init"), API])
    made = {"v": 1, "cluster": "smoke", "node": node.name, "role": node.role, "kubernetes": version,
            "address": node.address, "api": API, "hosts": hosts,
            "pods": {"network": PODS, "own": node.pods, "routes": [[each.pods, each.address] for each in nodes if each is not node]},
            "services": SERVICES, "mtu": MTU, "cni": "native", "joined": joined, "files": files,
            "departing": [each.name for each in departing],
            "admins": ["dure:smoke"] if node.role == "init" else [], "patience": args.patience}
    data = json.dumps(made, **one_line).encode()
    return data, hashlib.sha256(data).hexdigest()[:16]


def access_of(users):
    """What a control-plane member tells that has let in these users."""
    return int.from_bytes(hashlib.sha256("".join(user + "\n" for user in sorted(users)).encode()).digest()[:6], "big")


def seed_files(node, public_key):
    user_data = {"hostname": node.name, "fqdn": f"{node.name}.smoke.internal", "manage_etc_hosts": False,
                 "users": [{"name": "dure", "ssh_authorized_keys": [public_key], "sudo": "ALL=(ALL) NOPASSWD:ALL",
                            "shell": "/bin/bash", "lock_passwd": True}],
                 "ssh_pwauth": False, "disable_root": True}
    network = {"version": 2, "ethernets": {"nic0": {
        "match": {"macaddress": node.mac}, "set-name": "eth0", "addresses": [f"{node.address}/24"],
        "routes": [{"to": "default", "via": GATEWAY}], "nameservers": {"addresses": [GATEWAY]}, "mtu": MTU}}}
    return {"user-data": "#cloud-config\n" + json.dumps(user_data), "network-config": json.dumps(network),
            "meta-data": json.dumps({"instance-id": str(uuid.uuid4()), "local-hostname": node.name})}
