"""A small client of the cluster's API server: client certificate, the cluster's CA, JSON, bounded answers."""

import base64
import http.client
import json
import os
import ssl
import tempfile

MAX_ANSWER_BYTES = 8 << 20
PORT = 6443


class NoAnswer(Exception):
    """The API server could not be asked; the text says how that went."""


class Untrusted(NoAnswer):
    """There is an API server, but not one that this node can take for its own: that does not pass by waiting."""


def materials(config):
    """(CA, certificate, key) of a kubeconfig of JSON or of kubeadm's own YAML: it writes each value on one line."""
    keys = ("certificate-authority-data", "client-certificate-data", "client-key-data")
    found = {}
    for line in config.replace(",", "\n").replace("{", "\n").replace("}", "\n").splitlines():
        name, _, value = line.strip().replace('"', "").partition(":")
        if name in keys:
            found[name] = base64.b64decode(value.strip())
    return [found.get(key, b"") for key in keys]


class Api:
    def __init__(self, host, ca, certificate, key=None, seconds=30.0):
        """Paths of PEM files; without `key` it is in the certificate's file."""
        self.host, self.seconds, self.link = host, seconds, None
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.load_verify_locations(ca)
        self.context.load_cert_chain(certificate, key)

    @classmethod
    def by_kubeconfig(cls, host, path, seconds=30.0):
        try:
            with open(path, encoding="utf-8") as handle:
                ca, certificate, key = materials(handle.read(256 * 1024))
            # The library takes files only: they live for a moment, in memory.
            with tempfile.TemporaryDirectory(dir="/run/dure") as folder:
                paths = []
                for name, data in (("ca", ca), ("certificate", certificate), ("key", key)):
                    paths.append(f"{folder}/{name}")
                    with open(os.open(paths[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
                        handle.write(data)
                return cls(host, *paths, seconds=seconds)
        except (OSError, ValueError) as error:
            raise NoAnswer(f"{path} is not usable: {type(error).__name__}") from None

    @classmethod
    def of_kubelet(cls, host, seconds=30.0):
        try:
            return cls(host, "/etc/kubernetes/pki/ca.crt", "/var/lib/kubelet/pki/kubelet-client-current.pem", seconds=seconds)
        except (OSError, ValueError) as error:
            raise NoAnswer(f"the kubelet has no usable certificate: {type(error).__name__}") from None

    def ask(self, method, path, body=None):
        """(status, value of the JSON answer or None)."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        for fresh in (False, True):
            try:
                if self.link is None or fresh:
                    self.close()
                    self.link = http.client.HTTPSConnection(self.host, PORT, timeout=self.seconds, context=self.context)
                self.link.request(method, path, data, headers)
                answer = self.link.getresponse()
                text = answer.read(MAX_ANSWER_BYTES + 1)
                if len(text) > MAX_ANSWER_BYTES:
                    self.close()
                    raise NoAnswer("an answer is too large")
                return answer.status, json.loads(text) if text[:1] in (b"{", b"[") else None
            except ssl.SSLCertVerificationError as error:
                self.close()
                raise Untrusted(f"{self.host}: its certificate is refused: {error.verify_message}") from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.close()
                if fresh:
                    raise NoAnswer(f"{self.host}: {getattr(error, 'strerror', None) or type(error).__name__}") from None
        raise AssertionError

    def close(self):
        if self.link is not None:
            self.link.close()
            self.link = None
