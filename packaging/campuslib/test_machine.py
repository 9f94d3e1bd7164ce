"""Tests of a real campus without Dure's programs, as root: python3 -B packaging/campuslib/test_machine.py

A campus of its own name beside whatever runs: hosts, libvirt, a VM, faults, `up` and `down` killed in the middle.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

CAMPUS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "campus")
NAME = "selftest"
UP = ["up", "--hosts", "2", "--no-install", "--no-build", "--until", "database"]
UUID = "11111111-2222-4333-8444-555555555555"
DOMAIN = f"""<domain type='qemu'><name>probe</name><uuid>{UUID}</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><devices>
<emulator>/usr/bin/qemu-system-x86_64</emulator><interface type='ethernet'><target dev='dvt020000000011'/></interface>
</devices></domain>"""


def campus(*argv, check=True):
    done = subprocess.run([CAMPUS, "--name", NAME, *argv], capture_output=True, text=True, check=False, timeout=120)
    if check and done.returncode != 0:
        raise AssertionError(f"campus {' '.join(argv)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def status():
    answer = json.loads(campus("status", "-o", "json", check=False).stdout)
    return {(c["component"], c["host"]): c for c in answer["components"]}


def traces():
    """Everything on the machine that carries the name of this campus."""
    found = [f"namespace {n}" for n in (os.listdir("/run/netns") if os.path.isdir("/run/netns") else [])
             if n.startswith(f"{NAME}-")]
    found += [f"link {n}" for n in os.listdir("/sys/class/net") if n.startswith(NAME)]
    found += [f"file {p}" for p in (f"/run/dure-campus/{NAME}", f"/run/dure-campus/{NAME}.lock", f"/var/lib/dure-campus-{NAME}")
              if os.path.exists(p)]
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        found += [f"mount {line}" for line in f if f"{NAME}-" in line or f"/{NAME}" in line]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if int(pid) != os.getpid() and any(NAME in part for part in argv) and CAMPUS not in argv:
            found.append(f"process {pid} {' '.join(argv)[:120]}")
    return found


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Machine(unittest.TestCase):
    def setUp(self):
        campus("down")

    def tearDown(self):
        campus("down")

    def start_probe(self, host):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as f:
            f.write(DOMAIN)
            f.flush()
            campus("exec", host, "--", "virsh", "create", f.name)

    def test_down_leaves_nothing(self):
        self.assertEqual(traces(), [])
        campus(*UP)
        self.assertGreater(len(traces()), 6)
        self.start_probe("h1")
        campus("down")
        self.assertEqual(traces(), [])

    def test_a_second_up_changes_no_process(self):
        campus(*UP)
        before = {key: c["pid"] for key, c in status().items()}
        campus(*UP)
        self.assertEqual({key: c["pid"] for key, c in status().items()}, before)

    def test_a_vm_outlives_libvirtd_and_not_its_host(self):
        campus(*UP)
        self.start_probe("h1")
        self.start_probe("h2")  # the same name and uuid on another host: they share nothing
        campus("kill", "libvirtd", "h1")
        left = campus("check", "--empty", check=False)
        self.assertIn("h1: libvirt does not answer", left.stderr)
        self.assertIn(f"of {UUID}", left.stderr)
        campus("start", "libvirtd", "h1")
        self.assertIn("running", campus("exec", "h1", "--", "virsh", "domstate", "probe").stdout)
        campus("kill", "host", "h1")
        campus(*UP)
        left = campus("check", "--empty", check=False).stderr
        self.assertNotIn("h1:", left)
        self.assertIn("h2: domain probe", left)

    def test_a_power_loss_takes_the_hosts_network_state_too(self):
        campus(*UP)
        campus("exec", "h1", "--", "ip", "link", "add", "dvb7", "type", "bridge")
        campus("exec", "h1", "--", "nft", "add", "table", "inet", "dure")
        self.assertIn("h1: bridge dvb7", campus("check", "--empty", check=False).stderr)
        campus("kill", "host", "h1")
        campus(*UP)
        self.assertEqual(campus("check", "--empty").returncode, 0)
        self.assertEqual(campus("exec", "h1", "--", "nft", "list", "tables").stdout, "")

    def test_sites_have_their_own_mtu_and_a_router_between(self):
        campus(*UP)
        octet = json.loads(campus("status", "-o", "json", check=False).stdout)["prefix"].split(".")[1]
        ping = ["exec", "h1", "--", "ping", "-q", "-c", "1", "-W", "2", "-M", "do"]
        far = f"10.{octet}.2.12"
        self.assertEqual(campus(*ping, "-s", str(1450 - 28), far, check=False).returncode, 0)
        self.assertNotEqual(campus(*ping, "-s", str(1451 - 28), far, check=False).returncode, 0)

    def test_postgres_comes_back_after_a_kill(self):
        campus(*UP)
        for _ in range(3):
            campus("kill", "postgres")
            campus("start", "postgres")
        self.assertTrue(status()[("postgres", None)]["ok"])

    def test_up_killed_anywhere_can_be_repeated_and_removed(self):
        for after, then in ((0.15, "up"), (0.3, "down"), (0.45, "up"), (0.6, "down"), (0.9, "up"), (1.2, "down")):
            with self.subTest(after=after, then=then):
                child = subprocess.Popen([CAMPUS, "--name", NAME, *UP], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, start_new_session=True)
                time.sleep(after)  # the moment of the fault, not a wait for something
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                if then == "up":
                    campus(*UP)
                    self.assertTrue(all(c["ok"] for (kind, _), c in status().items() if kind in ("host", "libvirtd", "postgres")))
                campus("down")
                self.assertEqual(traces(), [])

    def test_down_killed_anywhere_can_be_repeated(self):
        for after in (0.1, 0.2, 0.3, 0.4):
            with self.subTest(after=after):
                campus(*UP)
                child = subprocess.Popen([CAMPUS, "--name", NAME, "down"], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, start_new_session=True)
                time.sleep(after)
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                campus("down")
                self.assertEqual(traces(), [])

    def test_missing_programs_are_named_with_the_way_to_build_them(self):
        with tempfile.TemporaryDirectory() as empty:
            done = campus("up", "--hosts", "2", "--no-install", "--no-build", "--build-dir", empty, check=False)
        self.assertEqual(done.returncode, 1)
        for text in ("dure-controlnode", "dure-hostagent", "cmake --preset release", "ninja -C"):
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
