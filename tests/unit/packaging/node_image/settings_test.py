import unittest
from pathlib import Path

IMAGE = Path(__file__).resolve().parents[4] / "packaging/image"


def sysctls(*overlays):
    found = {}
    for overlay in overlays:
        for path in sorted((IMAGE / overlay / "etc/sysctl.d").iterdir()):
            lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
            found.update((part.strip() for part in line.split("=", 1)) for line in lines if line)
    return found


class Settings(unittest.TestCase):
    def test_a_node_that_has_panicked_starts_again_also_without_kubernetes(self):
        for overlays in (("root",), ("root", "root_kubernetes")):
            found = sysctls(*overlays)
            self.assertTrue(1 <= int(found["kernel.panic"]) <= 30)
            self.assertEqual(found["kernel.panic_on_oops"], "1")

    def test_the_reporter_is_started_again_however_often_it_ends(self):
        for overlay in ("root", "root_kubernetes"):
            unit = (IMAGE / overlay / "etc/systemd/system/dure-stage.service").read_text(encoding="utf-8").splitlines()
            self.assertLess({"Restart=always", "StartLimitIntervalSec=0"}, set(unit))
            self.assertLess(unit.index("StartLimitIntervalSec=0"), unit.index("[Service]"))


if __name__ == "__main__":
    unittest.main()
