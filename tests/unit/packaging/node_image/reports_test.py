import json
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from durenode import api, board, channel, member, system, upkeep

GOLDEN = Path(__file__).resolve().parents[3] / "golden/guest/status.json"


class Reports(unittest.TestCase):
    def test_a_line_says_what_the_shell_reporter_says_and_more_only_if_there_is_more(self):
        line = board.compose("id", {"network": 20, "booted": 10}, None, board.Words(), "")
        self.assertEqual(json.loads(line), {"v": 1, "boot_id": "id", "stages": [{"name": "booted", "at_ms": 10},
                                                                                {"name": "network", "at_ms": 20}]})
        self.assertTrue(line.endswith(b"\n"))
        more = json.loads(board.compose("id", {}, "0" * 16, board.Words(["b", "a"], ["d", "c"], 7), "x"))
        self.assertEqual(more, {"v": 1, "boot_id": "id", "stages": [], "have": "0" * 16, "departed": ["a", "b"],
                                "not_ready": ["c", "d"], "access": 7, "error": "x"})
        # Nobody is NotReady: that is a judgement, too.
        self.assertEqual(json.loads(board.compose("id", {}, None, board.Words((), []), ""))["not_ready"], [])

    def test_all_that_a_control_plane_member_says_is_what_its_host_reads(self):
        # The agent's own test reads the same file.
        with open(GOLDEN, "rb") as expected:
            words = board.Words(["demo-w2"], ["demo-w1"], upkeep.fingerprint([]))
            stages = {"booted": 56680, "init": 181140, "ready": 219060}
            self.assertEqual(board.compose("0ea7aae8-7271-4027-93bf-d95c6db4dfeb", stages, "fdc6db4f0ef5cbd4", words,
                                           "its kubelet does not answer"), expected.read())

    def test_a_line_fits_with_any_number_of_nodes(self):
        names = [f"n{i:062}" for i in range(80)]
        for departed, not_ready, most in ((names, None, 50), ((), names, 50), (names, names, 25)):
            line = board.compose("id", {}, "0" * 16, board.Words(departed, not_ready, 1 << 47), "x" * 200)
            self.assertLessEqual(len(line), 4096)
            told = json.loads(line)
            for key, wanted in (("departed", departed), ("not_ready", not_ready)):
                if wanted:
                    self.assertGreater(len(told[key]), most - 10)
                    self.assertEqual(told[key], names[:len(told[key])])
        short = json.loads(board.compose("id", {}, None, board.Words([f"a{i}" for i in range(80)], [f"b{i}" for i in range(80)]), ""))
        self.assertEqual((len(short["departed"]), len(short["not_ready"])), (64, 64))

    def test_an_error_is_plain_short_and_without_secrets(self):
        text = board.plain('join: "x"\n\x1b[31m' + "A" * 40 + " abcdef.0123456789abcdef\\ é" + "y " * 300)
        self.assertLessEqual(len(text), 200)
        self.assertNotIn("AAAA", text)
        self.assertNotIn("0123456789abcdef", text)
        self.assertRegex(text, r"\A[A-Za-z0-9 _.,:;/()=+@-]*\Z")

    def test_stages_keep_their_first_time_over_a_restart(self):
        with tempfile.TemporaryDirectory() as run:
            first = board.Board(run)
            first.reach("booted")
            second = board.Board(run)
            second.reach("booted")
            self.assertEqual(first.stages, second.stages)


class Lines(unittest.TestCase):
    def test_lines_come_whole_however_they_are_cut(self):
        lines, seen = channel.Lines(100), []
        for byte in b'{"a":1}\n\n{"b":2}\n{"c"':
            seen += lines.feed(bytes([byte]))
        self.assertEqual(seen, [b'{"a":1}', b'{"b":2}'])

    def test_a_line_without_an_end_takes_no_memory_and_hides_only_itself(self):
        lines, seen = channel.Lines(100), []
        for _ in range(50):
            seen += lines.feed(b"x" * 30)
            self.assertLessEqual(len(lines.pending), 130)
        self.assertEqual(lines.feed(b"x\ngood\n"), [b"good"])
        self.assertEqual(seen, [])


class ApiServer:
    """Node objects by name, and certificate requests: {name: the node that asks}."""

    def __init__(self, nodes, requests):
        self.nodes, self.requests = nodes, requests

    def ask(self, method, path, _body=None):
        name = path.rsplit("/", 1)[1]
        things = self.nodes if path.startswith("/api/v1/nodes/") else self.requests
        if path == upkeep.REQUESTS:
            return 200, {"items": [{"metadata": {"name": each}, "spec": {"username": f"system:node:{node}"}}
                                   for each, node in self.requests.items()]}
        if name not in things:
            return 404, None
        return 200, things.pop(name) if method == "DELETE" else things[name]


class Cluster(unittest.TestCase):
    def test_admins_that_are_there_stay_and_others_go(self):
        keep, odd = upkeep.binding_of("dure:a"), upkeep.binding_of("dure:b")
        odd["subjects"][0]["name"] = "somebody"
        gone = upkeep.binding_of("dure:old")
        make, drop = upkeep.bindings_to_change(["dure:a", "dure:b", "dure:c"], [keep, odd, gone])
        self.assertEqual(sorted(each["subjects"][0]["name"] for each in make), ["dure:b", "dure:c"])
        self.assertEqual(drop, sorted([odd["metadata"]["name"], gone["metadata"]["name"]]))

    def test_a_binding_gives_one_user_and_carries_the_label(self):
        made = upkeep.binding_of("dure:a")
        self.assertEqual(made["metadata"]["labels"], {"dure.io/access": "true"})
        self.assertEqual([each["kind"] for each in made["subjects"]], ["User"])

    def test_a_fingerprint_is_that_of_the_control_node(self):
        # The values are those of access_fingerprint() in controlnode/core/bootstrap_plan.cpp.
        for users, wanted in (((), 250348346448124), (("dure:alice",), 204459413528099),
                              (("dure:alice", "dure:bob"), 129197188593140),
                              (("A:1", "a.b_c@d-e", "dure:00000000-0000-4000-8000-000000000001"), 126846748876968)):
            self.assertEqual(upkeep.fingerprint(users), wanted)
            self.assertEqual(upkeep.fingerprint(reversed(users)), wanted)

    def test_who_is_let_in_is_told_when_it_is_so(self):
        class Server:
            refuses, made = True, []

            def ask(self, method, _, body=None):
                if method == "GET":
                    return 200, {"items": self.made}
                if self.refuses:
                    return 500, None
                self.made.append(body)
                return 201, body
        keeper = upkeep.Upkeep()
        keeper.server = Server()
        document = SimpleNamespace(role="init", admins=["dure:alice"], departing=[], patience=1.0, api="api", hosts=[])
        with tempfile.NamedTemporaryFile() as admin, mock.patch.object(member, "ADMIN", admin.name):
            with self.assertRaises(system.StepFailed):
                keeper.run(document)
            self.assertIsNone(keeper.access)
            keeper.server.refuses = False
            keeper.run(document)
            self.assertEqual(keeper.access, 204459413528099)
            document.admins, keeper.server.refuses = ["dure:alice", "dure:bob"], True
            with self.assertRaises(system.StepFailed):
                keeper.run(document)
            self.assertEqual(keeper.access, 204459413528099)  # that is what holds until the next one does

    def test_a_drain_ends_by_itself_and_scales(self):
        self.assertIn("--timeout=720s", upkeep.drain_command("w", 6.0))
        self.assertIn("--ignore-daemonsets", upkeep.drain_command("w", 6.0))

    def test_requests_of_a_node_go_with_it_also_those_that_come_late(self):
        server = ApiServer({"demo-w2": True}, {"a": "demo-w2", "b": "demo-w1", "c": "demo-w3"})
        keeper = upkeep.Upkeep()
        keeper.server, keeper.admins_done = server, ()
        with tempfile.NamedTemporaryFile() as admin, mock.patch.object(member, "ADMIN", admin.name):
            def run(hosts, departing=()):
                return keeper.run(SimpleNamespace(role="init", admins=[], departing=list(departing), patience=1.0, api="api",
                                                  hosts=[("10.0.0.1", name) for name in hosts]))
            everyone = ["demo-cp1", "demo-w1", "demo-w2", "demo-w3"]
            self.assertEqual(run(everyone), [])
            self.assertEqual(sorted(server.requests), ["a", "b", "c"])
            keeper.drained.add("demo-w2")  # no kubectl here
            self.assertEqual(run(everyone, ["demo-w2"]), ["demo-w2"])
            self.assertEqual(sorted(server.requests), ["b", "c"])
            # The Node object of the third went, the answer to that did not come.
            self.assertEqual(run(everyone, ["demo-w2", "demo-w3"]), ["demo-w2", "demo-w3"])
            self.assertEqual(sorted(server.requests), ["b"])
            # It has asked for one more before its machine ended, and for another while the first sweep was on its way.
            for late in ("d", "e"):
                server.requests[late] = "demo-w3"
                run(["demo-cp1", "demo-w1"])
                self.assertEqual(sorted(server.requests), ["b"])
            self.assertFalse(keeper.busy)

    def departing(self, server, names, drains, tell=lambda departed: None):
        """One run of a member; which nodes are drained is written to `drains`."""
        keeper = upkeep.Upkeep()
        keeper.server, keeper.admins_done = server, ()
        document = SimpleNamespace(role="init", admins=[], departing=names, patience=1.0, api="api", hosts=[])
        with tempfile.NamedTemporaryFile() as admin, mock.patch.object(member, "ADMIN", admin.name), \
                mock.patch.object(system, "follow", lambda argv, _: drains.append(argv[argv.index("drain") + 1])):
            return keeper, keeper.run(document, tell)

    def test_a_node_that_went_undrained_is_let_go_as_well_without_waiting_for_its_pods(self):
        def node(status):
            return {"status": {"conditions": [{"type": "Ready", "status": status}]}}
        server = ApiServer({"demo-w2": node("Unknown"), "demo-w3": node("True"), "demo-w4": node("False")}, {"a": "demo-w2"})
        drains = []
        _, departed = self.departing(server, ["demo-w1", "demo-w2", "demo-w3", "demo-w4"], drains)
        self.assertEqual(departed, ["demo-w1", "demo-w2", "demo-w3", "demo-w4"])
        self.assertEqual(drains, ["demo-w3", "demo-w4"])
        self.assertEqual((server.nodes, server.requests), ({}, {}))

    def test_each_node_is_told_when_it_has_gone(self):
        told = []
        self.departing(ApiServer({"demo-w1": {}, "demo-w2": {}}, {}), ["demo-w1", "demo-w2"], [], told.append)
        self.assertEqual(told, [["demo-w1"], ["demo-w1", "demo-w2"]])

    def test_a_node_that_cannot_be_taken_out_holds_no_other_up(self):
        class Refusing(ApiServer):
            def ask(self, method, path, _body=None):
                refuses = method == "DELETE" and path.endswith("demo-w1") or path.startswith(member.BINDINGS)
                return (500, None) if refuses else super().ask(method, path)
        server, told = Refusing({"demo-w1": {}, "demo-w2": {}}, {}), []
        keeper = upkeep.Upkeep()
        keeper.server = server
        document = SimpleNamespace(role="init", admins=["dure:a"], departing=["demo-w1", "demo-w2"], patience=1.0, api="api", hosts=[])
        with tempfile.NamedTemporaryFile() as admin, mock.patch.object(member, "ADMIN", admin.name), \
                mock.patch.object(system, "follow"), self.assertRaises(system.StepFailed):
            keeper.run(document, told.append)
        self.assertEqual((told, list(server.nodes)), ([["demo-w2"]], ["demo-w1"]))

    def test_a_kubeconfig_is_read_as_json_and_as_kubeadm_writes_it(self):
        json_form = '{"clusters":[{"cluster":{"certificate-authority-data":"Y2E=","server":"https://a:6443"}}],' \
                    '"users":[{"user":{"client-certificate-data":"Y3J0","client-key-data":"a2V5"}}]}'
        yaml_form = "users:\n- name: x\n  user:\n    client-certificate-data: Y3J0\n    client-key-data: a2V5\n" \
                    "clusters:\n- cluster:\n    certificate-authority-data: Y2E=\n"
        for form in (json_form, yaml_form):
            self.assertEqual(api.materials(form), [b"ca", b"crt", b"key"])


if __name__ == "__main__":
    unittest.main()
