import json
import tempfile
import unittest
from types import SimpleNamespace
from unittest import mock

from durenode import api, board, judge, member, plan


def node(name, *status):
    conditions = [{"type": "MemoryPressure", "status": "False"}] + [{"type": "Ready", "status": each} for each in status]
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


class Names(unittest.TestCase):
    NODES = [node("demo-w3", "Unknown"), node("demo-cp1", "True"), node("demo-w1", "False"), node("demo-w2", "True"), node("demo-w4")]

    def test_those_that_are_not_ready_are_named_in_order(self):
        self.assertEqual(plan.not_ready(self.NODES, "native", ()), ["demo-w1", "demo-w3", "demo-w4"])

    def test_without_a_pod_network_those_of_which_nothing_is_heard(self):
        self.assertEqual(plan.not_ready(self.NODES, "none", ()), ["demo-w3", "demo-w4"])

    def test_a_name_that_no_host_takes_is_left_out(self):
        odd = [node(name, "False") for name in ("a.b", "-a", "a-", "x" * 64, "A", "é", "demo-w1\n")]
        self.assertEqual(plan.not_ready(odd, "native", ()), [])


class Judging(unittest.TestCase):
    """A member that has been ready, and an API server that answers or not."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        with open(temporary.name + "/admin.conf", "w", encoding="ascii"):
            pass
        patch = mock.patch.object(member, "ADMIN", temporary.name + "/admin.conf")
        patch.start()
        self.addCleanup(patch.stop)
        patch = mock.patch.object(api.Api, "by_kubeconfig", lambda *_, **__: self)
        patch.start()
        self.addCleanup(patch.stop)
        self.board = board.Board(temporary.name)
        self.board.serves = True
        self.role("init")
        self.judge = judge.Judge(self.board)
        self.answer = 200, {"items": [node("demo-cp1", "True"), node("demo-w1", "Unknown")]}

    def role(self, role, hosts=()):
        self.board.take("a" * 16, SimpleNamespace(role=role, api="api", cni="native", patience=6.0, hosts=hosts))

    def ask(self, method, path):
        self.assertEqual((method, path), ("GET", "/api/v1/nodes"))
        if self.answer is None:
            raise api.NoAnswer("api: Connection refused")
        return self.answer

    def said(self, now):
        self.judge.look(now)
        return json.loads(self.board.line()).get("not_ready")

    def test_a_control_plane_member_says_who_is_not_ready(self):
        self.assertEqual(self.said(0.0), ["demo-w1"])
        self.answer = 200, {"items": [node("demo-w1", "True")]}
        self.assertEqual(self.said(20.0), [])
        self.role("control-plane")
        self.answer = 200, {"items": [node("demo-w1", "False")]}
        self.assertEqual(self.said(40.0), ["demo-w1"])

    def test_a_member_that_its_cluster_does_not_know_is_not_ready(self):
        self.role("init", [("10.128.0.11", "demo-cp1"), ("10.128.0.12", "demo-w1"), ("10.128.0.13", "demo-w2"), ("10.128.0.11", "api")])
        self.assertEqual(self.said(0.0), ["demo-w1", "demo-w2"])

    def test_who_cannot_ask_says_nothing_soon_after(self):
        self.said(0.0)
        for answer in (None, (500, None), (200, None), (200, {"items": [{}]})):
            self.answer = answer
            self.assertEqual(self.said(60.0), ["demo-w1"])
        self.assertIsNone(self.said(61.0))
        self.answer = 200, {"items": []}
        self.assertEqual(self.said(80.0), [])

    def test_a_worker_or_who_is_no_member_yet_does_not_judge(self):
        self.role("worker")
        self.assertIsNone(self.said(0.0))
        self.role("init")
        self.board.serves = False
        self.assertIsNone(self.said(20.0))
        member.ADMIN += ".not-there"
        self.board.serves = True
        self.assertIsNone(self.said(40.0))


if __name__ == "__main__":
    unittest.main()
