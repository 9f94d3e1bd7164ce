import json
import unittest

from durenode import document
from samples import document as sample
from samples import line


class Messages(unittest.TestCase):
    def refused(self, data, why):
        with self.assertRaises(document.Refused) as caught:
            document.parse_message(data)
        self.assertIn(why, str(caught.exception))

    def test_a_good_message_is_taken_whole(self):
        revision, now_ms, made = document.parse_message(line())
        self.assertRegex(revision, "^[0-9a-f]{16}$")
        self.assertEqual(now_ms, 1_790_000_000_000)
        self.assertEqual((made.node, made.role, made.mtu, made.patience), ("demo-w1", "worker", 1400, 6.0))
        self.assertEqual(made.routes, {"10.64.1.0/24": "10.128.0.11"})
        self.assertEqual([(file.path, file.mode, file.content) for file in made.files],
                         [("/etc/dure/kubeadm.json", 0o600, b"{}\n")])

    def test_a_revision_names_the_bytes_of_the_document(self):
        self.refused(line(revision="0" * 16), "revision")
        self.refused(line().replace(b"demo-w1", b"demo-w2"), "revision")
        self.refused(line(revision="XYZ"), "revision")

    def test_what_is_not_one_closed_object_is_refused(self):
        for data in (b"", b"[]", b"null", b"{", b"\xff\xfe", b"1" * 200, b"[" * 100_000):
            with self.assertRaises(document.Refused):
                document.parse_message(data)
        self.refused(line(extra=1), "unknown")
        self.refused(line(v=2), "v")
        self.refused(line(v=True), "v")
        self.refused(line(now_ms=-1), "now_ms")
        self.refused(line(now_ms=1 << 60), "now_ms")
        self.refused(b'{"v":1,"v":1,' + line()[7:], "twice")

    def test_the_line_is_bounded(self):
        self.refused(b" " * (document.MAX_LINE_BYTES + 1), "too long")

    def test_an_error_repeats_nothing_of_a_value(self):
        with self.assertRaises(document.Refused) as caught:
            document.parse_message(line(sample(node="SECRET")))
        self.assertNotIn("SECRET", str(caught.exception))


class Fields(unittest.TestCase):
    def refused(self, **changes):
        with self.assertRaises(document.Refused, msg=str(changes)):
            document.parse_document(json.loads(json.dumps(sample(**changes))))

    def taken(self, **changes):
        return document.parse_document(json.loads(json.dumps(sample(**changes))))

    def test_every_field_is_needed_but_the_lists(self):
        for name in ("v", "cluster", "node", "role", "address", "api", "hosts", "pods", "services", "mtu", "cni", "joined"):
            value = sample()
            del value[name]
            with self.assertRaises(document.Refused):
                document.parse_document(value)
        value = sample()
        for name in ("files", "departing", "admins", "patience"):
            del value[name]
        made = document.parse_document(value)
        self.assertEqual((made.files, made.departing, made.admins, made.patience), ([], [], [], 1.0))

    def test_an_unknown_field_is_refused(self):
        self.refused(command="rm")

    def test_names_and_numbers_are_checked(self):
        for changes in ({"node": "-a"}, {"node": "a" * 64}, {"node": "a\n"}, {"node": 1}, {"node": "Größe"},
                        {"role": "admin"}, {"role": []}, {"kubernetes": "1.32"}, {"kubernetes": "v1.32.0; id"},
                        {"address": "10.1.2.300"}, {"address": "::1"}, {"address": 5}, {"api": "a..b"}, {"api": "-a.b"},
                        {"services": "10.96.0.1/16"}, {"services": "10.96.0.0"}, {"services": "10.96.0.0/99"},
                        {"mtu": 100}, {"mtu": 1400.5}, {"mtu": True}, {"mtu": 70000}, {"cni": "calico"}, {"joined": 1},
                        {"patience": 0}, {"patience": "6"}, {"patience": 1e9}, {"patience": True}):
            self.refused(**changes)

    def test_lists_are_bounded_and_of_one_kind(self):
        for changes in ({"hosts": [["10.0.0.1", "a b"]]}, {"hosts": [["10.0.0.1"]]}, {"hosts": {}},
                        {"hosts": [["10.0.0.1", "a"]] * 1025}, {"departing": ["x"] * 2}, {"departing": ["--all"]},
                        {"departing": [f"n{i}" for i in range(65)]}, {"admins": ["a b"]}, {"admins": ["-x"]},
                        {"admins": "dure:x"}):
            self.refused(**changes)
        self.assertEqual(self.taken(admins=["dure:3f2a-1"], departing=["demo-w3"]).admins, ["dure:3f2a-1"])

    def test_routes_are_prefixes_by_addresses(self):
        good = {"network": "10.64.0.0/12", "own": "10.64.2.0/24", "routes": []}
        self.assertEqual(self.taken(pods=good).routes, {})
        for changes in ({"routes": [["10.64.1.1/24", "10.0.0.1"]]}, {"routes": [["default", "10.0.0.1"]]},
                        {"routes": [["10.64.1.0/24", "10.0.0.1 dev eth0"]]}, {"own": None}, {"more": 1}):
            self.refused(pods={**good, **changes})

    def test_files_go_only_where_they_belong(self):
        def one(path="/etc/dure/a.json", mode="0600", content="x"):
            return [{"path": path, "mode": mode, "content": content}]

        for path in ("/etc/dure/kubeadm.json", "/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/etcd/ca.key",
                     "/etc/cni/net.d/10-dure.conflist"):
            self.assertEqual(self.taken(files=one(path)).files[0].path, path)
        for path in ("/etc/passwd", "/etc/dure/../passwd", "/etc/dure/..", "/etc/dure/./a", "/etc/dure/", "/etc/dure//a",
                     "etc/dure/a", "/etc/durex/a", "/etc/dure/a\n", "/etc/kubernetes/manifests/x.yaml", "/etc/dure/a b",
                     "/etc/dure/.hidden", "/etc/dure/" + "a" * 70, 5, None):
            self.refused(files=one(path))
        for mode in ("0755", "4755", "0o600", 384):
            self.refused(files=one(mode=mode))
        for content in (5, None, "a\0b", "\ud800", "x" * (document.MAX_FILE_BYTES + 1)):
            self.refused(files=one(content=content))
        self.refused(files=one() * 2)
        self.refused(files=[{**one()[0], "owner": "x"}])
        self.refused(files=[{"path": f"/etc/dure/{i}", "mode": "0600", "content": ""} for i in range(17)])

    def test_only_the_pod_network_file_is_no_secret(self):
        files = self.taken(files=[{"path": path, "mode": "0600", "content": ""} for path in
                                  ("/etc/cni/net.d/a", "/etc/dure/a", "/etc/kubernetes/pki/a")]).files
        self.assertEqual([file.secret for file in files], [False, True, True])


if __name__ == "__main__":
    unittest.main()
