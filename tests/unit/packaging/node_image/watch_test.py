import json
import os
import socket
import tempfile
import threading
import unittest
from types import SimpleNamespace
from unittest import mock

from durenode import board, system, watch, work


class Watched(unittest.TestCase):
    """A node that has been ready, and parts of it that die."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.board = board.Board(temporary.name)
        self.up = {"containerd": True, "kubelet": True}
        for name in self.up:
            patch = mock.patch.object(system, f"{name}_answers", lambda name=name: self.up[name])
            patch.start()
            self.addCleanup(patch.stop)
        self.watch = watch.Watch(self.board)
        self.watch.network = SimpleNamespace(fault=lambda: None)
        for stage in ("booted", "containerd", "join", "configured"):
            self.board.reach(stage)

    def looks(self, times=1):
        for _ in range(times):
            self.watch.look()
        line = json.loads(self.board.line())
        return {stage["name"] for stage in line["stages"]}, line.get("error", "")

    ALL = {"booted", "network", "configured", "containerd", "join", "ready"}

    def test_a_node_is_ready_while_its_kubelet_answers(self):
        self.board.serves = True
        self.assertEqual(self.looks(), (self.ALL, ""))
        self.up["kubelet"] = False
        self.assertEqual(self.looks(2), (self.ALL, ""))  # late once or twice: it starts again, say
        self.assertEqual(self.looks(), (self.ALL - {"ready"}, "kubelet does not answer"))
        self.assertEqual(self.looks(5), (self.ALL - {"ready"}, "kubelet does not answer"))
        self.up["kubelet"] = True
        self.assertEqual(self.looks(), (self.ALL, ""))

    def test_a_node_without_its_runtime_is_not_ready_either(self):
        self.board.serves = True
        self.looks()
        self.up["containerd"] = False
        self.assertEqual(self.looks(3), (self.ALL - {"ready", "containerd"}, "containerd does not answer"))
        self.up["containerd"] = True
        self.assertEqual(self.looks(), (self.ALL, ""))

    def test_before_a_node_was_ready_it_is_not_made_so_by_its_kubelet(self):
        self.assertEqual(self.looks(3), (self.ALL - {"ready"}, ""))
        self.up["kubelet"] = False
        self.assertEqual(self.looks(5), (self.ALL - {"ready"}, ""))

    def test_it_is_soon_told(self):
        longest = watch.MISSES * (watch.PERIOD + 4.0)
        self.assertLess(longest, 30)

    def test_what_is_ready_is_watched_from_then_on(self):
        worker = work.Worker(self.board)
        worker.facts.document = SimpleNamespace()
        worker.readiness = SimpleNamespace(look=lambda _: True, done=lambda: None)
        self.looks()
        worker.do_ready()
        self.assertTrue(self.board.serves)


class Runtime(unittest.TestCase):
    """Whether containerd answers is asked of a socket of the test."""

    def answers(self, reply):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as server:
            path = os.path.join(folder, "containerd.sock")
            server.bind(path)
            server.listen()

            def serve():
                link, _ = server.accept()
                with link:
                    self.assertTrue(link.recv(1024).startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
                    link.sendall(reply)
            thread = threading.Thread(target=serve)
            if reply is not None:
                thread.start()
            with mock.patch.object(system, "CONTAINERD", path):
                found = system.containerd_answers(0.3)
            if reply is not None:
                thread.join()
            return found

    def test_only_who_speaks_answers(self):
        self.assertTrue(self.answers(bytes([0, 0, 6, 4, 0, 0, 0, 0, 0]) + b"\0\5\0\0\x40\0"))
        self.assertFalse(self.answers(None))  # it listens, as a program does that has been stopped
        self.assertFalse(self.answers(b""))
        self.assertFalse(self.answers(b"HTTP/1.1 400 Bad Request\r\n"))
        with mock.patch.object(system, "CONTAINERD", "/nowhere/containerd.sock"):
            self.assertFalse(system.containerd_answers())


if __name__ == "__main__":
    unittest.main()
