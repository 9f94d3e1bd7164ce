import base64
import contextlib
import json
import os
import ssl
import tempfile
import unittest
from types import SimpleNamespace
from unittest import mock

from durenode import api, member, system


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
        # One file for both, the certificate first: so the kubelet itself keeps them. Where it looks for them is a link.
        self.assertNotIn(member.KUBELET_CERTIFICATE, files)
        self.assertEqual(files[member.FIRST_CERTIFICATE], b"CERTIFICATE\nPRIVATE KEY\n")
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


class Join(unittest.TestCase):
    """With a kubeadm that fails as it is told, on a node whose files are all in place."""

    PROMOTED = ("error execution phase control-plane-join/etcd: error creating local etcd static pod manifest file: "
                "etcdserver: can only promote a learner member")

    def joined_by(self, *failures, etcd=True):
        calls, left = [], list(failures)

        def follow(argv, _):
            calls.append(argv)
            if left and (words := left.pop(0)):
                raise system.StepFailed(words)

        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as patches:
            for name, text in (("CONFIG", '{"skipPhases": ["preflight"]}'), ("DISCOVERY", "{}")):
                path = os.path.join(folder, name)
                with open(path, "w", encoding="utf-8") as handle:
                    handle.write(text)
                patches.enter_context(mock.patch.object(member, name, path))
            for name in ("prepare", "kubelet_credential", "adopt"):
                patches.enter_context(mock.patch.object(member, name, mock.Mock(return_value={})))
            patches.enter_context(mock.patch.object(system, "write_link"))
            patches.enter_context(mock.patch.object(system, "follow", follow))
            patches.enter_context(mock.patch.object(system, "answers", lambda place, _: etcd and place[1] == 2381))
            try:
                member.join(SimpleNamespace(patience=1.0), 0)
                return calls, member.adopt.called
            except system.StepFailed:
                return calls, member.adopt.called

    def test_a_promotion_whose_answer_was_missed_is_not_asked_for_again(self):
        calls, adopted = self.joined_by(self.PROMOTED)
        self.assertEqual([call[4:] for call in calls], [[], ["--skip-phases=preflight,control-plane-join/etcd"]])
        self.assertTrue(adopted)

    def test_a_member_without_an_etcd_of_its_own_has_failed(self):
        calls, adopted = self.joined_by(self.PROMOTED, etcd=False)
        self.assertEqual((len(calls), adopted), (1, False))

    def test_any_other_failure_is_one(self):
        calls, adopted = self.joined_by("error execution phase control-plane-join/etcd: context deadline exceeded")
        self.assertEqual((len(calls), adopted), (1, False))
        calls, adopted = self.joined_by(self.PROMOTED, "error execution phase kubelet-start: timed out")
        self.assertEqual((len(calls), adopted), (2, False))

    def test_a_join_without_failure_is_one_command(self):
        calls, adopted = self.joined_by()
        self.assertEqual((len(calls), adopted), (1, True))


class SomethingToJoin(unittest.TestCase):
    def look(self, error):
        def request(*_):
            raise error
        server = api.Api.__new__(api.Api)
        server.host, server.link, server.seconds, server.context = "api.demo", SimpleNamespace(request=request, close=lambda: None), 1, None
        with mock.patch.object(api.Api, "by_kubeconfig", lambda *_, **__: server), \
                mock.patch("http.client.HTTPSConnection", lambda *_, **__: SimpleNamespace(request=request, close=lambda: None)):
            return member.something_to_join(SimpleNamespace(api="api.demo", patience=1.0))

    def test_an_api_server_that_is_not_there_yet_is_waited_for(self):
        self.assertFalse(self.look(ConnectionRefusedError(111, "Connection refused")))

    def test_one_whose_certificate_is_refused_is_told(self):
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_message = "certificate is not yet valid"
        with self.assertRaises(system.StepFailed) as caught:
            self.look(error)
        self.assertEqual(str(caught.exception), "api.demo: its certificate is refused: certificate is not yet valid")


class Answers:
    """An API server that answers each path with a status and a value."""

    def __init__(self, answers):
        self.answers, self.closed = answers, False

    def ask(self, _, path):
        return self.answers[path]

    def close(self):
        self.closed = True


class Ready(unittest.TestCase):
    NODE = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}

    def look(self, role, account, cni="native", node=None):
        readiness = member.Readiness()
        readiness.server = Answers({"/api/v1/nodes/demo-cp1": (200, node or self.NODE)})
        readiness.admin = Answers({member.DEFAULT_ACCOUNT: (account, None)})
        return readiness.look(SimpleNamespace(role=role, node="demo-cp1", cni=cni, api="api", patience=1.0)), readiness

    def test_the_first_member_is_ready_when_the_cluster_takes_pods(self):
        self.assertFalse(self.look("init", 404)[0])
        self.assertTrue(self.look("init", 200)[0])

    def test_the_others_do_not_ask_for_that(self):
        self.assertTrue(self.look("worker", 404)[0])

    def test_a_node_that_is_not_ready_is_not(self):
        waiting = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
        self.assertFalse(self.look("init", 200, node=waiting)[0])
        self.assertTrue(self.look("init", 200, cni="none", node=waiting)[0])

    def test_both_connections_are_closed_at_the_end(self):
        _, readiness = self.look("init", 200)
        servers = readiness.server, readiness.admin
        readiness.done()
        self.assertTrue(all(server.closed for server in servers))
