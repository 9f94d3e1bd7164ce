"""How the node becomes a member: kubeadm init or join, tried until it is one. Killed anywhere, it goes on after the boot."""

import json
import os
import shutil
import time

from durenode import api, plan, system

MARK = "/var/lib/dure/member"
KUBELET_CONFIG = "/etc/kubernetes/kubelet.conf"
AUTHORITY = "/etc/kubernetes/pki/ca.crt"
# A link, which the kubelet lets point to another file when it has renewed its certificate; it refuses to if it is none.
KUBELET_CERTIFICATE = "/var/lib/kubelet/pki/kubelet-client-current.pem"
FIRST_CERTIFICATE = "/var/lib/kubelet/pki/kubelet-client-first.pem"
ADMIN = "/etc/kubernetes/admin.conf"
ETCD_HEALTH = ("127.0.0.1", 2381, "/health?serializable=true")  # where kubeadm has its own probes look
DISCOVERY = "/etc/dure/discovery.conf"
# What kubeadm writes for the kubelet before it starts it, and a word of each.
KUBELET_FILES = (("/var/lib/kubelet/config.yaml", b"KubeletConfiguration"),
                 ("/var/lib/kubelet/kubeadm-flags.env", b"KUBELET_KUBEADM_ARGS"), (KUBELET_CONFIG, b"current-context"),
                 (KUBELET_CERTIFICATE, b"PRIVATE KEY"))
CONFIG = "/etc/dure/kubeadm.json"
SECRETS = (CONFIG, DISCOVERY, "/etc/kubernetes/bootstrap-kubelet.conf")
NODE_CERTIFICATES = {
    "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
    "metadata": {"name": "dure:node-client-certificates", "labels": {"app.kubernetes.io/managed-by": "dure"}},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                "name": "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"}]}
DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


def is_member():
    return os.path.exists(MARK)


def in_place(document):
    """A worker that was killed between its join and the mark: its kubelet has what it needs, and the cluster knows the node."""
    if document.role != "worker" or not all(_says(path, word) for path, word in KUBELET_FILES):
        return False
    try:
        server = api.Api.of_kubelet(document.api, seconds=10 * max(1.0, document.patience))
        try:
            return server.ask("GET", f"/api/v1/nodes/{document.node}")[0] == 200
        finally:
            server.close()
    except api.NoAnswer:
        return False


def _says(path, word):
    """Not empty and not zeros, as a power cut may leave a file that was not made durable."""
    try:
        with open(path, "rb") as handle:
            return word in handle.read(256 * 1024)
    except OSError:
        return False


def adopt():
    os.sync()  # kubeadm does not make durable what it writes, and the mark ends every repair of it
    system.write_file(MARK, b"", 0o600)
    forget_secrets()


def forget_secrets():
    for path in SECRETS:
        system.remove_file(path)


def write_files(document, member):
    for file in document.files:
        if not (member and file.secret):
            system.write_file(file.path, file.content, file.mode)


def put(server, path, name, body):
    """Makes the object if it is not there."""
    status, _ = server.ask("POST", path, body)
    if status not in (200, 201, 409):
        raise system.StepFailed(f"{name}: the API server answered {status}")


def reset(document):
    """Clears a half-done attempt away, but for the document's files."""
    system.follow(["kubeadm", "reset", "--force", "--cri-socket", "unix:///run/containerd/containerd.sock"],
                  120 * document.patience)
    for path in ("/var/lib/etcd", "/etc/kubernetes/manifests"):
        shutil.rmtree(path, ignore_errors=True)
    os.makedirs("/etc/kubernetes/manifests", exist_ok=True)


def prepare(document, failures):
    if plan.needs_reset(failures):
        reset(document)
    write_files(document, member=False)
    if weight := plan.system_weight(document):
        system.output_of(["systemctl", "set-property", "system.slice", f"CPUWeight={weight}"], seconds=60 * document.patience)


def init(document, failures):
    prepare(document, failures)
    system.follow(["kubeadm", "init", "--config", CONFIG], 1200 * document.patience)
    server = api.Api.by_kubeconfig(document.api, ADMIN)
    try:
        # Joining nodes ask for their own certificate with the one of their document: this lets them have it.
        put(server, BINDINGS, "the rule for node certificates", NODE_CERTIFICATES)
    finally:
        server.close()
    adopt()


def something_to_join(document):
    """The cluster's configuration is up, and this node's credential opens it."""
    server = api.Api.by_kubeconfig(document.api, DISCOVERY, seconds=10 * max(1.0, document.patience))
    try:
        for name in ("kubeadm-config", "kubelet-config"):
            status, _ = server.ask("GET", f"/api/v1/namespaces/kube-system/configmaps/{name}")
            if status == 401:
                raise system.StepFailed("the API server does not take this node's certificate")
            if status != 200:
                return False
        return True
    except api.Untrusted as untrusted:
        raise system.StepFailed(str(untrusted)) from None
    except api.NoAnswer:
        return False
    finally:
        server.close()


def kubelet_credential(discovery):
    """{path: content} of what a kubelet has that was given its certificate, from the kubeconfig that the node joins with."""
    authority, certificate, key = api.materials(discovery)
    server = json.loads(discovery)["clusters"][0]["cluster"]["server"]
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "default",
              "clusters": [{"name": "default", "cluster": {"certificate-authority": AUTHORITY, "server": server}}],
              "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
              "users": [{"name": "default", "user": {"client-certificate": KUBELET_CERTIFICATE, "client-key": KUBELET_CERTIFICATE}}]}
    return {AUTHORITY: authority, FIRST_CERTIFICATE: certificate + key, KUBELET_CONFIG: json.dumps(config).encode()}


def join(document, failures):
    prepare(document, failures)
    # Signed before the boot, so the kubelet need not ask for one and wait until the controllers have signed it: until then it
    # would be nobody, and everything that it tries would be put off. Later it renews this one by itself.
    with open(DISCOVERY, encoding="utf-8") as handle:
        for path, content in kubelet_credential(handle.read(256 * 1024)).items():
            system.write_file(path, content, 0o644 if path == AUTHORITY else 0o600)
    system.write_link(KUBELET_CERTIFICATE, FIRST_CERTIFICATE)
    command = ["kubeadm", "join", "--config", CONFIG]
    try:
        system.follow(command, 1200 * document.patience)
    except system.StepFailed as failed:
        phase = plan.phase_done(str(failed))
        # An etcd that does not serve here is of no use, whatever the others have in their list: this is then a failure.
        if phase is None or not system.answers(ETCD_HEALTH, 10 * max(1.0, document.patience)):
            raise
        system.follow([*command, f"--skip-phases={','.join([*skipped_phases(), phase])}"], 1200 * document.patience)
    adopt()


def skipped_phases():
    """Of the configuration: the option replaces them."""
    with open(CONFIG, encoding="utf-8") as handle:
        return json.load(handle).get("skipPhases", [])


class Readiness:
    """Asks for the own Node object; a kubelet that lost it is started again, so that it registers itself anew."""

    def __init__(self):
        self.server, self.admin, self.missing_since = None, None, None

    def look(self, document):
        try:
            if self.server is None:
                self.server = api.Api.of_kubelet(document.api)
            status, node = self.server.ask("GET", f"/api/v1/nodes/{document.node}")
        except api.NoAnswer as silent:
            self.server = None
            print(f"waiting for the node to be ready: {silent}", flush=True)
            return False
        if status == 404:
            self.missing_since = self.missing_since or time.monotonic()
            if time.monotonic() - self.missing_since > 30 * document.patience:
                self.missing_since = None
                system.output_of(["systemctl", "restart", "kubelet.service"], seconds=60 * document.patience)
            return False
        self.missing_since = None
        ready = status == 200 and (document.cni == "none" or plan.condition_ready(node))
        return ready and (document.role != "init" or self.takes_pods(document))

    def takes_pods(self, document):
        """The cluster's controllers are at work: before they have made the default service account no pod is admitted."""
        try:
            if self.admin is None:
                self.admin = api.Api.by_kubeconfig(document.api, ADMIN)
            return self.admin.ask("GET", DEFAULT_ACCOUNT)[0] == 200
        except api.NoAnswer as silent:
            self.admin = None
            print(f"waiting for the cluster to take pods: {silent}", flush=True)
            return False

    def done(self):
        for server in (self.server, self.admin):
            if server is not None:
                server.close()
        self.server = self.admin = None
