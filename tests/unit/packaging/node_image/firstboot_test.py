"""A first boot that was cut short is begun anew; one that has ended is left alone."""

import json
import os
import tempfile
import unittest

import firstboot
from durenode import member


class FirstBoot(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cloud, self.mark, self.result = (os.path.join(folder.name, name) for name in ("cloud", "dure/configured", "result.json"))
        os.makedirs(os.path.join(self.cloud, "instances", "one", "sem"))
        os.symlink(os.path.join(self.cloud, "instances", "one"), os.path.join(self.cloud, "instance"))

    def ended(self, errors):
        with open(self.result, "w", encoding="utf-8") as handle:
            json.dump({"v1": {"datasource": "x", "errors": errors}}, handle)
        firstboot.finish(self.mark, self.result)

    def test_without_the_mark_everything_is_forgotten(self):
        self.assertTrue(firstboot.forget_unfinished(self.cloud, self.mark))
        self.assertEqual(os.listdir(self.cloud), [])
        self.assertFalse(firstboot.forget_unfinished(self.cloud, self.mark))

    def test_after_the_end_nothing_is_forgotten(self):
        self.ended([])
        self.assertFalse(firstboot.forget_unfinished(self.cloud, self.mark))
        self.assertEqual(sorted(os.listdir(self.cloud)), ["instance", "instances"])

    def test_an_end_with_errors_or_without_a_result_leaves_no_mark(self):
        self.ended([])
        self.ended(["Expecting value: line 1 column 1 (char 0)"])
        self.assertFalse(os.path.exists(self.mark))
        self.ended([])
        os.unlink(self.result)
        firstboot.finish(self.mark, self.result)
        self.assertFalse(os.path.exists(self.mark))
        with open(self.result, "w", encoding="utf-8"):
            pass
        firstboot.finish(self.mark, self.result)
        self.assertFalse(os.path.exists(self.mark))

    def test_files_of_zeros_are_no_membership(self):
        path = os.path.join(self.cloud, "kubelet.conf")
        for content, says in ((b"", False), (b"\0" * 64, False), (b"apiVersion: v1\ncurrent-context: demo\n", True)):
            with open(path, "wb") as handle:
                handle.write(content)
            self.assertEqual(member._says(path, b"current-context"), says)
        self.assertFalse(member._says(path + ".none", b"current-context"))
