import importlib.machinery
import importlib.util
import unittest
from pathlib import Path

IMAGE = Path(__file__).resolve().parents[4] / "packaging/image"


def kernel_arguments():
    loader = importlib.machinery.SourceFileLoader("image_build", str(IMAGE / "build"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("image_build", loader))
    loader.exec_module(module)
    return dict(word.partition("=")[::2] for word in module.CMDLINE.split())


class Settings(unittest.TestCase):
    def test_a_node_that_panics_starts_again_from_its_first_instruction_on(self):
        given = kernel_arguments()
        self.assertTrue(1 <= int(given["panic"]) <= 30)
        self.assertEqual(given["oops"], "panic")

    def test_the_reporter_is_started_again_however_often_it_ends(self):
        for overlay in ("root", "root_kubernetes"):
            unit = (IMAGE / overlay / "etc/systemd/system/dure-stage.service").read_text(encoding="utf-8").splitlines()
            self.assertLess({"Restart=always", "StartLimitIntervalSec=0"}, set(unit))
            self.assertLess(unit.index("StartLimitIntervalSec=0"), unit.index("[Service]"))


if __name__ == "__main__":
    unittest.main()
