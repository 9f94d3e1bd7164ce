"""Tests of the parts that need no root: python3 -B packaging/campuslib/test_parts.py"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import build  # noqa: E402
import control  # noqa: E402
import launch  # noqa: E402
import main  # noqa: E402
import oracle  # noqa: E402
import packages  # noqa: E402
import plan  # noqa: E402
import proc  # noqa: E402
import progress  # noqa: E402
import state  # noqa: E402
from state import Campus, CampusError  # noqa: E402


class Packages(unittest.TestCase):
    def test_boost_is_named_by_release(self):
        self.assertIn("libboost-json1.81-dev", packages.build(12))
        self.assertIn("libboost-json1.83-dev", packages.build(13))
        self.assertFalse([name for name in packages.build(13) if "1.81" in name])

    def test_no_package_is_named_twice(self):
        for release in packages.SUPPORTED:
            names = packages.runtime(release) + packages.build(release)
            self.assertEqual(len(names), len(set(names)))

    def test_a_system_that_is_not_debian_12_or_13_is_refused_by_name(self):
        for text in ('ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu"\n', 'ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Old"\n'):
            with tempfile.NamedTemporaryFile("w") as f:
                f.write(text)
                f.flush()
                with self.assertRaisesRegex(packages.PackageError, "Ubuntu|Old"):
                    packages.debian_release(f.name)

    def test_apt_status_lines_become_percentages(self):
        self.assertEqual(packages._apt_progress("pmstatus:zstd:42.5:Unpacking zstd"), " 42 % Unpacking zstd")
        self.assertIsNone(packages._apt_progress("Setting up zstd (1.5) ..."))


class Addresses(unittest.TestCase):
    campus = state.Campus(name="t", state_dir="/x", octet=93, hosts=5, sites=2)

    def test_hosts_go_round_the_sites(self):
        self.assertEqual([self.campus.host_address(h) for h in self.campus.host_names],
                         ["10.93.1.11", "10.93.2.12", "10.93.1.13", "10.93.2.14", "10.93.1.15"])

    def test_every_campus_has_its_own_api_port(self):
        ports = {state.Campus(name="t", state_dir="/x", octet=o).api_port for o in range(90, 121)}
        self.assertEqual(len(ports), 31)

    def test_a_host_that_does_not_exist_is_an_error(self):
        for name in ("h0", "h6", "x1", "", "h1/../h2"):
            with self.assertRaises(state.CampusError):
                self.campus.host_address(name)

    def test_names_that_would_not_fit_a_link_are_refused(self):
        for name in ("", "Dure", "a-b", "a" * 11, "../x", "1a"):
            with self.assertRaises(state.CampusError):
                state.check_name(name)


class Records(unittest.TestCase):
    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(unittest.mock.patch.object(state, "RUNTIME_ROOT", self.directory))
        self.campus = state.Campus(name="t", state_dir=os.path.join(self.directory, "state"))

    def started(self):
        process = proc.launch(self.campus, "sleeper", ["/bin/sleep", "600"])
        self.addCleanup(lambda: process.end((signal.SIGKILL, 5)))
        return process

    def spoil(self, **fields):
        path = proc.record_path(self.campus, "sleeper")
        with open(path, encoding="utf-8") as f:
            record = json.load(f)
        with open(path, "w", encoding="utf-8") as f:
            json.dump({**record, **fields}, f)

    def test_a_started_process_is_found_and_ended(self):
        process = self.started()
        self.assertEqual(proc.find(self.campus, "sleeper").pid, process.pid)
        self.assertTrue(process.end((signal.SIGTERM, 5)))
        self.assertIsNone(proc.find(self.campus, "sleeper"))

    def test_a_recycled_pid_is_neither_found_nor_killed(self):
        old = self.started()
        innocent = subprocess.Popen(["/bin/sleep", "600"])
        self.addCleanup(innocent.wait)
        self.addCleanup(innocent.kill)
        self.spoil(pid=innocent.pid, start=launch.start_time(innocent.pid) - 1)
        self.assertIsNone(proc.find(self.campus, "sleeper"))
        forged = proc.Process("sleeper", {"pid": innocent.pid, "start": old.start - 1, "argv": []}, "")
        self.assertTrue(forged.end((signal.SIGKILL, 1)))
        self.assertIsNone(innocent.poll())

    def test_a_record_from_before_a_reboot_is_not_found(self):
        self.started()
        self.spoil(boot="another")
        self.assertIsNone(proc.find(self.campus, "sleeper"))

    def test_a_program_that_does_not_exist_is_an_error_that_names_it(self):
        with self.assertRaisesRegex(state.CampusError, "/no/such/program"):
            proc.launch(self.campus, "sleeper", ["/no/such/program"])

    def test_a_process_that_dies_while_waited_for_is_an_error_at_once_with_its_log(self):
        process = proc.launch(self.campus, "sleeper", ["/bin/sh", "-c", "echo the reason; sleep 0.2"])
        with self.assertRaisesRegex(state.CampusError, "the reason"):
            proc.wait_until(process, self.campus, lambda: False, 30, "miracle")

    def test_names_with_parentheses_do_not_hide_the_start_time(self):
        path = os.path.join(self.directory, "a) b (c")
        os.symlink("/bin/sleep", path)
        child = subprocess.Popen([path, "600"])
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        self.assertGreater(launch.start_time(child.pid), 0)


class Settings(unittest.TestCase):
    def test_toml_is_read_back_as_it_was_meant(self):
        sections = {"a": {"text": 'quote " back \\ 두레', "number": 7}, "b": {"x": ""}}
        self.assertEqual(tomllib.loads(control.toml(sections)), sections)

    def test_a_setting_is_a_number_or_text_under_its_section(self):
        self.assertEqual(main._setting("nodes.deadline_s=600"), ("nodes.deadline_s", 600))
        self.assertEqual(main._setting("nodes.tcg_factor=2.5"), ("nodes.tcg_factor", 2.5))
        self.assertEqual(main._setting("guests.nameservers=10.0.0.1,10.0.0.2"), ("guests.nameservers", "10.0.0.1,10.0.0.2"))
        for text in ("nodes", "deadline_s=1", "Nodes.x=1", "nodes.x"):
            with self.assertRaises(main.argparse.ArgumentTypeError):
                main._setting(text)

    def test_settings_do_not_displace_what_the_campus_needs(self):
        with tempfile.TemporaryDirectory() as folder:
            made = control.sections(Campus(name="t", state_dir=folder, settings={
                "nodes.deadline_s": 600, "log.level": "debug", "database.url": "elsewhere"}))
        self.assertEqual((made["nodes"], made["log"]), ({"deadline_s": 600}, {"level": "debug"}))
        self.assertNotEqual(made["database"]["url"], "elsewhere")

    def test_mtus_outside_the_range_are_refused(self):
        for text in ("1279", "9001", "1500,x", ""):
            with self.assertRaises((ValueError, main.argparse.ArgumentTypeError)):
                main._mtus(text)

    def test_a_part_can_be_ended_or_only_stopped(self):
        parse = main.parser().parse_args
        self.assertEqual(parse(["kill", "libvirtd", "h1"]).signal, "KILL")
        self.assertEqual(parse(["kill", "libvirtd", "h1", "--signal", "STOP"]).signal, "STOP")
        self.assertEqual(parse(["start", "controlnode", "--env", "A=b=c", "--env", "B="]).env, [("A", "b=c"), ("B", "")])
        for text in ("A", "=b", "A B=c"):
            with self.assertRaises(main.argparse.ArgumentTypeError):
                main._variable(text)

    def test_name_is_taken_before_and_after_the_command(self):
        for argv in (["--name", "t", "status"], ["status", "--name", "t"]):
            self.assertEqual(main.parser().parse_args(argv).name, "t")


class NodeImage(unittest.TestCase):
    """What the image builder is asked for, and what becomes of a refusal."""

    class Step:
        def __init__(self, failing=()):
            self.ran, self.notes, self.failing = [], [], failing

        def run(self, argv):
            self.ran.append(argv)
            if any(word in argv for word in self.failing):
                raise CampusError("it failed")
            return 0

        def note(self, text):
            self.notes.append(text)

    def build(self, step, upstream="v1.32.1", **fields):
        with tempfile.TemporaryDirectory() as folder:
            campus = Campus(name="t", state_dir=folder, **fields)
            if self.image_there:
                os.mkdir(campus.path("image"))
                with open(campus.path("image", "node-image.json"), "w", encoding="utf-8") as f:
                    json.dump({"kubernetes": "v1.32.1"}, f)
            found = {"side_effect": build._NoUpstream("nobody answers")} if upstream is None else {"return_value": upstream}
            with unittest.mock.patch.object(build, "_upstream_version", **found):
                build._build_image(campus, step, ["builder"])
        return step

    image_there = False

    def test_a_directory_is_taken_and_must_be_had(self):
        self.assertEqual(self.build(self.Step(), kubernetes_dir="/kit").ran, [["builder", "--kubernetes-dir", "/kit"]])
        with self.assertRaises(CampusError):
            self.build(self.Step(["--kubernetes-dir"]), kubernetes_dir="/kit")

    def test_upstream_is_taken_where_it_can_be_reached(self):
        self.assertEqual(self.build(self.Step()).ran, [["builder", "--kubernetes", "v1.32.1"]])
        self.assertEqual(self.build(self.Step(), kubernetes=False).ran, [["builder"]])

    def test_without_upstream_the_nodes_are_plain_and_that_is_said(self):
        step = self.build(self.Step(), upstream=None)
        self.assertEqual(step.ran, [["builder"]])
        self.assertIn("--kubernetes-dir", step.notes[0])
        step = self.build(self.Step(["--kubernetes"]))
        self.assertEqual(step.ran, [["builder", "--kubernetes", "v1.32.1"], ["builder"]])
        self.assertIn("it failed", step.notes[0])

    def test_an_image_with_kubernetes_is_not_given_up_when_upstream_is_away(self):
        self.image_there = True
        step = self.build(self.Step(), upstream=None)
        self.assertEqual(step.ran, [])
        self.assertIn("stays", step.notes[0])


class Oracle(unittest.TestCase):
    @staticmethod
    def host(**fields):
        return {"domains": [], "qemu_processes": [], "bridges": [], "vxlans": [], "taps": [], "fdb": [], "neighbours": [],
                "nft_devices": [], "files": [], "obligations": [], **fields}

    def test_nothing_is_nothing(self):
        self.assertEqual(oracle.left_over({"hosts": {"h1": self.host()}, "database": {"claims": []}}), [])

    def test_each_kind_of_left_over_is_named(self):
        planted = {
            "domains": [{"name": "d", "uuid": "u", "state": "running"}], "qemu_processes": [{"pid": 1, "uuid": "u"}],
            "bridges": [{"name": "dvb7"}], "vxlans": [{"name": "dvx7"}], "taps": [{"name": "dvt020000000000"}],
            "fdb": [{"mac": "m", "destination": "d", "device": "dvx7"}], "neighbours": [{"address": "a", "device": "dvb7"}],
            "nft_devices": ["dvb7"], "files": [{"path": "p", "object": "u"}], "obligations": [{"id": 1}],
        }
        for kind, value in planted.items():
            found = oracle.left_over({"hosts": {"h2": self.host(**{kind: value})}, "database": {}})
            self.assertEqual(len(found), 1, kind)
            self.assertTrue(found[0].startswith("h2: "), found)
        for table in ("claims", "networks", "removals"):
            self.assertEqual(len(oracle.left_over({"hosts": {}, "database": {table: [{"node": "n"}]}})), 1)

    def cluster(self):
        """Two nodes on two hosts as the database has them, and hosts that have exactly what follows from it."""
        ids = ("aaaaaaaa-0000", "bbbbbbbb-0000")
        names, vteps = ("h1", "h2"), ("10.90.1.11", "10.90.2.12")
        database = {
            "clusters": [{"id": "c", "name": "demo"}],
            "hosts": [{"id": f"H{n}", "name": n, "address": v} for n, v in zip(names, vteps)],
            "networks": [{"cluster": "c", "vni": 7, "mtu": 1400, "prefix": "10.128.0.0/24", "gateway": "10.128.0.1",
                          "gateway_mac": "06:00:00:00:00:01"}],
            "nodes": [{"id": i, "cluster": "c", "name": f"demo-{k}", "role": "worker", "state": "ready", "mac": f"02:0{k}",
                       "address": f"10.128.0.{k}", "generation": 1, "observed_generation": 1, "vm_state": "running",
                       "host": f"H{names[k]}"} for k, i in enumerate(ids)],
        }
        seen = {"hosts": {}, "database": database}
        for k, host in enumerate(names):
            far = 1 - k
            seen["hosts"][host] = self.host(
                domains=[{"uuid": ids[k], "name": "d", "state": "running", "metadata": {}}],
                bridges=[{"name": "dvb7", "vni": 7, "mtu": 1400, "mac": "06:00:00:00:00:01", "addresses": ["10.128.0.1/24"]}],
                vxlans=[{"name": "dvx7", "vni": 7, "mtu": 1400, "local": vteps[k], "learning": False, "master": "dvb7"}],
                taps=[{"name": f"dvt020{k}", "master": "dvb7"}],
                fdb=[{"device": "dvx7", "mac": m, "destination": vteps[far]} for m in (f"02:0{far}", plan.FLOOD)],
                neighbours=[{"device": "dvb7", "address": f"10.128.0.{far}", "mac": f"02:0{far}"}])
        return seen

    def test_a_cluster_as_planned_has_no_fault(self):
        self.assertEqual(oracle.check_cluster(self.cluster(), "demo")[1], [])

    def test_every_departure_from_the_plan_is_one_fault_or_more(self):
        def moved(h):
            h["domains"][0]["uuid"] = "bbbbbbbb-0000"

        departures = {
            "no domain": lambda h: h["domains"].clear(), "stopped": lambda h: h["domains"][0].update(state="shut off"),
            "two places": moved, "no bridge": lambda h: h["bridges"].clear(), "mtu": lambda h: h["vxlans"][0].update(mtu=1450),
            "learning": lambda h: h["vxlans"][0].update(learning=True), "gateway": lambda h: h["bridges"][0].update(addresses=[]),
            "fdb gone": lambda h: h["fdb"].pop(), "fdb more": lambda h: h["fdb"].append({**h["fdb"][0], "mac": "02:99"}),
            "fdb elsewhere": lambda h: h["fdb"][0].update(destination="10.90.9.9"), "neighbour": lambda h: h["neighbours"].clear(),
            "tap": lambda h: h["taps"][0].update(master=None), "no libvirt": lambda h: h.update(libvirt_error="x"),
            "QEMU alone": lambda h: h["qemu_processes"].append({"pid": 1, "uuid": "u"}), "off": lambda h: h.update(off=True),
        }
        for name, change in departures.items():
            seen = self.cluster()
            change(seen["hosts"]["h1"])
            self.assertTrue(oracle.check_cluster(seen, "demo")[1], name)

    def test_a_network_where_it_has_no_node_and_an_unknown_cluster_are_faults(self):
        seen = self.cluster()
        seen["hosts"]["h3"] = self.host(bridges=[{"name": "dvb7", "vni": 7}])
        self.assertEqual(oracle.check_cluster(seen, "demo")[1], ["h3: dvb7 of a network that has no node here"])
        self.assertTrue(oracle.check_cluster(seen, "other")[1])


class Shown(unittest.TestCase):
    def test_wide_characters_count_twice(self):
        self.assertEqual(progress._fit("두레두레", 4), "두레")
        self.assertEqual(progress._fit("abcdef", 4), "abcd")

    def test_a_failed_phase_is_in_the_summary(self):
        out = io.StringIO()
        shown = progress.Progress("/tmp", stream=out)
        with contextlib.suppress(state.CampusError):
            with shown.phase("x", "doing x"):
                raise state.CampusError("no")
        shown.summary()
        self.assertRegex(out.getvalue(), r"doing x +0\.0 s  FAILED")


if __name__ == "__main__":
    unittest.main()
