"""A document as the control node makes it, and the host's line around one."""

import hashlib
import json


def document(**changes):
    made = {
        "v": 1, "cluster": "demo", "node": "demo-w1", "role": "worker", "kubernetes": "v1.32.13", "address": "10.128.0.12",
        "api": "api.demo.dure.internal",
        "hosts": [["10.128.0.11", "demo-cp1"], ["10.128.0.12", "demo-w1"], ["10.128.0.11", "api.demo.dure.internal"]],
        "pods": {"network": "10.64.0.0/12", "own": "10.64.2.0/24", "routes": [["10.64.1.0/24", "10.128.0.11"]]},
        "services": "10.96.0.0/16", "mtu": 1400, "cni": "native", "joined": False,
        "files": [{"path": "/etc/dure/kubeadm.json", "mode": "0600", "content": "{}\n"}],
        "departing": [], "admins": [], "patience": 6.0}
    made.update(changes)
    return made


def line(value=None, **head):
    data = json.dumps(document() if value is None else value, separators=(",", ":")).encode()
    message = {"v": 1, "revision": hashlib.sha256(data).hexdigest()[:16], "now_ms": 1_790_000_000_000, **head}
    return json.dumps(message, separators=(",", ":")).encode()[:-1] + b',"document":' + data + b"}"
