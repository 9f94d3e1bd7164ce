import http.server
import os
import tempfile
import threading
import unittest

from durenode import system


class Files(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = os.path.realpath(temporary.name)

    def content(self, path):
        with open(path, "rb") as handle:
            return handle.read()

    def test_a_file_is_written_with_its_folders_and_mode_and_replaced_whole(self):
        path = self.folder + "/pki/etcd/ca.key"
        system.write_file(path, b"one, longer", 0o600)
        system.write_file(path, b"two", 0o644)
        self.assertEqual(self.content(path), b"two")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)
        self.assertEqual(os.listdir(self.folder + "/pki/etcd"), ["ca.key"])

    def test_a_symbolic_link_on_the_way_is_refused(self):
        os.mkdir(self.folder + "/elsewhere")
        os.symlink("elsewhere", self.folder + "/pki")
        with self.assertRaises(system.StepFailed):
            system.write_file(self.folder + "/pki/ca.key", b"x", 0o600)
        self.assertEqual(os.listdir(self.folder + "/elsewhere"), [])

    def test_a_symbolic_link_in_the_place_of_the_file_is_replaced_and_not_followed(self):
        with open(self.folder + "/other", "wb") as handle:
            handle.write(b"other")
        os.symlink("other", self.folder + "/file")
        os.symlink("other", self.folder + "/.file.part")
        system.write_file(self.folder + "/file", b"x", 0o600)
        self.assertEqual(self.content(self.folder + "/other"), b"other")
        self.assertFalse(os.path.islink(self.folder + "/file"))

    def test_a_removed_secret_leaves_no_bytes_behind(self):
        path = self.folder + "/discovery.conf"
        system.write_file(path, b"secret", 0o600)
        os.link(path, self.folder + "/same")
        system.remove_file(path)
        self.assertFalse(os.path.exists(path))
        self.assertEqual(self.content(self.folder + "/same"), b"\0" * 6)
        system.remove_file(path)

    def test_a_link_takes_the_place_of_a_file_and_of_another_link(self):
        system.write_file(self.folder + "/current", b"a file", 0o600)
        system.write_file(self.folder + "/first", b"first", 0o600)
        os.symlink("left over", self.folder + "/current.part")
        for target in (self.folder + "/nothing", self.folder + "/first"):
            system.write_link(self.folder + "/current", target)
            self.assertEqual(os.readlink(self.folder + "/current"), target)
        self.assertEqual(self.content(self.folder + "/current"), b"first")
        self.assertEqual(sorted(os.listdir(self.folder)), ["current", "first"])

    def test_removing_does_not_follow_a_link(self):
        system.write_file(self.folder + "/kept", b"kept", 0o600)
        os.symlink("kept", self.folder + "/link")
        system.remove_file(self.folder + "/link")
        self.assertEqual(self.content(self.folder + "/kept"), b"kept")


class Answers(unittest.TestCase):
    def asked(self, status):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_error(status if self.path == "/health" else 404)

            def log_message(self, *_):
                pass
        with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            found = system.answers(("127.0.0.1", server.server_port, "/health"), 10)
            thread.join()
        return found, server.server_port

    def test_only_a_server_that_says_200_answers(self):
        self.assertTrue(self.asked(200)[0])
        found, port = self.asked(503)
        self.assertFalse(found)
        self.assertFalse(system.answers(("127.0.0.1", port, "/health"), 10))  # nobody listens there any more


class Commands(unittest.TestCase):
    def test_a_failed_command_says_its_last_words(self):
        with self.assertRaises(system.StepFailed) as caught:
            system.follow(["/bin/sh", "-c", "echo one >/dev/null; echo error: two; exit 1"], 20)
        self.assertEqual(str(caught.exception), "error: two")

    def test_a_command_that_takes_too_long_is_ended(self):
        with self.assertRaises(system.StepFailed) as caught:
            system.follow(["/bin/sleep", "60"], 0.2)
        self.assertIn("longer than", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
