import base64
import json
import unittest

from durenode import member


def encoded(text):
    return base64.b64encode(text.encode()).decode()


class KubeletCredential(unittest.TestCase):
    def test_the_kubelet_begins_with_the_certificate_that_the_node_joins_with(self):
        joining = json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "demo",
            "clusters": [{"name": "demo", "cluster": {"server": "https://api.demo.dure.internal:6443",
                                                      "certificate-authority-data": encoded("AUTHORITY\n")}}],
            "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": "system:node:demo-w1"}}],
            "users": [{"name": "system:node:demo-w1", "user": {"client-certificate-data": encoded("CERTIFICATE\n"),
                                                               "client-key-data": encoded("PRIVATE KEY\n")}}]})
        files = member.kubelet_credential(joining)
        # One file for both, the certificate first: so the kubelet itself keeps them, and renews them there.
        self.assertEqual(files[member.KUBELET_CERTIFICATE], b"CERTIFICATE\nPRIVATE KEY\n")
        self.assertEqual(files[member.AUTHORITY], b"AUTHORITY\n")
        config = json.loads(files[member.KUBELET_CONFIG])
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.assertEqual(cluster, {"server": "https://api.demo.dure.internal:6443", "certificate-authority": member.AUTHORITY})
        self.assertEqual(set(user.values()), {member.KUBELET_CERTIFICATE})
        context = next(c["context"] for c in config["contexts"] if c["name"] == config["current-context"])
        self.assertEqual(context, {"cluster": config["clusters"][0]["name"], "user": config["users"][0]["name"]})

    def test_what_is_no_kubeconfig_gives_no_files(self):
        with self.assertRaises((ValueError, KeyError, IndexError)):
            member.kubelet_credential("{}")
