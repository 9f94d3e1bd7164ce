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


class Kernel(unittest.TestCase):
    def test_a_node_that_has_panicked_starts_again_also_without_kubernetes(self):
        for overlays in (("root",), ("root", "root_kubernetes")):
            found = sysctls(*overlays)
            self.assertTrue(1 <= int(found["kernel.panic"]) <= 30)
            self.assertEqual(found["kernel.panic_on_oops"], "1")


if __name__ == "__main__":
    unittest.main()
