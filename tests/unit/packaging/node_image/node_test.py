import importlib.machinery
import importlib.util
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from durenode import board
from samples import document as sample
from samples import line

NODE = Path(__file__).resolve().parents[4] / "packaging/image/root_kubernetes/usr/lib/dure/node"


def program():
    loader = importlib.machinery.SourceFileLoader("node_program", str(NODE))
    made = importlib.util.module_from_spec(importlib.util.spec_from_loader("node_program", loader))
    loader.exec_module(made)
    return made


class Dates(unittest.TestCase):
    """Lines of the host, and a clock that shows what it is set to."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.board, self.node = board.Board(temporary.name), program()
        self.now, self.sets, self.refuses = 1_790_000_000.0, [], False
        for name, made in (("time", lambda: self.now), ("clock_settime", self.set)):
            patch = mock.patch.object(time, name, made)
            patch.start()
            self.addCleanup(patch.stop)

    def set(self, clock, now):
        self.assertEqual(clock, time.CLOCK_REALTIME)
        if self.refuses:
            raise PermissionError(1, "Operation not permitted")
        self.sets.append(now)
        self.now = now

    def take(self, now, **changes):
        self.node.take(self.board, line(sample(**changes), now_ms=int(now * 1000)))

    def test_a_clock_that_is_wrong_is_set_before_anything_is_done_by_the_document(self):
        order = []
        with mock.patch.object(self.board, "take", lambda *_: order.append(("document", self.now))):
            self.take(1_790_040_000)
        self.assertEqual((self.sets, order), ([1_790_040_000], [("document", 1_790_040_000)]))

    def test_a_minute_is_let_pass(self):
        for away in (-59, 59):
            self.take(1_790_000_000 + away)
        self.assertEqual(self.sets, [])

    def test_the_date_of_a_document_that_is_there_already_counts_as_well(self):
        self.take(1_790_000_000)
        revision = self.board.revision
        self.now += 3600 - 600  # an hour in which it has lost ten minutes
        self.take(1_790_003_600)
        self.assertEqual((self.sets, self.board.revision), ([1_790_003_600], revision))
        self.take(1_790_003_600 - 7200)  # the PC before had a wrong date
        self.assertEqual(self.sets[1:], [1_790_003_600 - 7200])

    def test_a_clock_that_cannot_be_set_is_told_and_holds_everything_back(self):
        self.refuses = True
        self.take(1_790_040_000)
        self.assertEqual((self.board.revision, self.board.errors["clock"]), (None, "clock: Operation not permitted"))
        self.refuses = False
        self.take(1_790_040_000)
        self.assertIsNone(self.board.errors["clock"])
        self.assertIsNotNone(self.board.revision)

    def test_a_message_that_is_refused_sets_nothing(self):
        self.node.take(self.board, line(now_ms=1_790_040_000_000, revision="0" * 16))
        self.assertEqual(self.sets, [])
        self.assertIn("revision", self.board.errors["document"])


if __name__ == "__main__":
    unittest.main()
