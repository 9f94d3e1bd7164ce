import contextlib
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import os
import tarfile
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import kubernetes_kit

IMAGE = Path(kubernetes_kit.__file__).parent
KUBEADM = """#!/bin/sh
case $1 in
version) echo v1.32.13 ;;
config) printf 'registry.k8s.io/etcd:3\\nregistry.k8s.io/pause:3.10\\n' ;;
esac
"""


def load(name):
    loader = importlib.machinery.SourceFileLoader(name, str(IMAGE / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


oci = load("oci")


def make_image(folder, name, file="program"):
    (folder / "program").write_bytes(b"\x7fELF")
    out = folder / f"{file}.tar"
    with contextlib.redirect_stdout(io.StringIO()):
        assert oci.main(["--name", name, "--entrypoint", "/p", "--file", f"{folder}/program:/p", "--out", str(out)]) == 0
    return out


class Preload(unittest.TestCase):
    """With a store that takes from an archive what the archive calls its image, as containerd's does."""

    def setUp(self):
        self.preload = load("preload")
        self.store = {"registry.k8s.io/pause:3.10"}
        self.preload.ctr = self.ctr
        self.preload.subprocess = unittest.mock.Mock()

    def ctr(self, _, kind, verb, *arguments):
        self.assertEqual(kind, "images")
        if verb == "import":
            self.store |= self.own_names
        elif verb == "tag":
            self.assertIn(arguments[0], self.store)
            self.store.add(arguments[1])
        elif verb == "remove":
            self.store.remove(arguments[0])
        return "\n".join(self.store)

    def stored(self, own_names, names):
        self.own_names = set(own_names)
        with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(io.StringIO()):
            (Path(root) / "run/preload").mkdir(parents=True)
            self.preload.load(Path(root), {"path": "/kit/x.tar", "names": names}, 0)
        return self.store - {"registry.k8s.io/pause:3.10"}

    def test_an_image_has_the_names_that_it_is_asked_for_by_and_no_others(self):
        self.assertEqual(self.stored(["local/etcd:3"], ["registry.k8s.io/etcd:3"]), {"registry.k8s.io/etcd:3"})

    def test_what_an_archive_names_in_full_stays(self):
        self.assertEqual(self.stored(["docker.io/local/x:1"], ["docker.io/local/x:1"]), {"docker.io/local/x:1"})

    def test_an_archive_without_an_image_is_told(self):
        with self.assertRaises(SystemExit) as caught:
            self.stored([], ["registry.k8s.io/etcd:3"])
        self.assertIn("registry.k8s.io/etcd:3", str(caught.exception))


class Folder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)


class Kit(Folder):
    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        (self.folder / "images").mkdir()
        for name in kubernetes_kit.PROGRAMS:
            path = self.folder / "bin" / name
            path.write_text(KUBEADM)
            path.chmod(0o755)

    def image(self, name, file):
        make_image(self.folder, name, file).rename(self.folder / "images" / f"{file}.tar")

    def test_a_whole_kit_is_taken_with_its_own_names_or_those_of_images_json(self):
        self.image("registry.k8s.io/pause:3.10", "pause")
        self.image("local/etcd:of-debian", "etcd")
        (self.folder / "images.json").write_text(json.dumps({"registry.k8s.io/etcd:3": {"file": "etcd.tar", "contains": "x"}}))
        kit = kubernetes_kit.Kit(self.folder)
        self.assertEqual((kit.version, kit.pause), ("v1.32.13", "registry.k8s.io/pause:3.10"))
        self.assertEqual(set(kit.archives), set(kit.wanted))
        before = kit.digest()
        (self.folder / "bin/kubelet").write_text("other")
        self.assertNotEqual(kubernetes_kit.Kit(self.folder).digest(), before)

    def test_names_are_as_containerd_asks_for_them(self):
        for name, full in (("registry.k8s.io/etcd:3", "registry.k8s.io/etcd:3"), ("local/etcd:3", "docker.io/local/etcd:3"),
                           ("localhost/x:1", "localhost/x:1"), ("mirror:5000/a/b:1", "mirror:5000/a/b:1"),
                           ("busybox:1", "docker.io/library/busybox:1")):
            self.assertEqual(kubernetes_kit.full_name(name), full)
        for name in ("registry.k8s.io/pause:3.10", "registry.k8s.io/etcd:3", "local/probe:1"):
            self.image(name, name.rpartition("/")[2].replace(":", "-"))
        self.assertIn("docker.io/local/probe:1", kubernetes_kit.Kit(self.folder).archives)

    def test_docker_s_archives_name_their_images_as_docker_does(self):
        text = json.dumps([{"RepoTags": ["busybox:1", "registry.k8s.io/pause:3.10"]}, {"RepoTags": None}]).encode()
        with tarfile.open(self.folder / "docker.tar", "w") as archive:
            member = tarfile.TarInfo("manifest.json")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
        self.assertEqual(kubernetes_kit.names_in_archive(self.folder / "docker.tar"),
                         ["docker.io/library/busybox:1", "registry.k8s.io/pause:3.10"])

    def refused(self, text, version=None):
        with self.assertRaises(kubernetes_kit.KitError) as caught:
            kubernetes_kit.Kit(self.folder, version)
        self.assertIn(text, str(caught.exception))

    def test_missing_images_are_named_with_the_way_out(self):
        self.image("registry.k8s.io/pause:3.10", "pause")
        self.refused("registry.k8s.io/etcd:3")
        self.refused("images.json")

    def test_another_version_than_asked_for_is_refused(self):
        self.refused("not v1.33.0", "v1.33.0")

    def test_a_missing_program_is_named(self):
        (self.folder / "bin/kubelet").unlink()
        self.refused("bin/kubelet")

    def test_images_json_leads_nowhere_else(self):
        for file in ("../bin/kubeadm", "/etc/passwd", "none.tar", 5):
            (self.folder / "images.json").write_text(json.dumps({"registry.k8s.io/etcd:3": {"file": file}}))
            self.refused("images.json")

    def test_what_is_not_an_archive_is_named(self):
        (self.folder / "images/x.tar").write_text("no")
        self.refused("x.tar")


class Versions(unittest.TestCase):
    def test_only_versions_with_v1beta4_are_taken(self):
        self.assertEqual(kubernetes_kit.checked_version("v1.33.1"), "v1.33.1")
        self.assertEqual(kubernetes_kit.checked_version("v2.0.0"), "v2.0.0")
        for text in ("v1.31.9", "1.32.0", "v1.32", "v1.32.0; id", ""):
            with self.assertRaises(kubernetes_kit.KitError):
                kubernetes_kit.checked_version(text)


class Download(Folder):
    def mirror(self, tampered=False):
        place = self.folder / "mirror/release/v1.32.13/bin/linux/amd64"
        place.mkdir(parents=True)
        for name in kubernetes_kit.PROGRAMS:
            (place / name).write_text(KUBEADM)
            digest = hashlib.sha256(KUBEADM.encode()).hexdigest()
            (place / f"{name}.sha256").write_text("0" * 64 if tampered else digest)
        return (self.folder / "mirror").as_uri()

    def test_programs_are_checked_against_the_published_digest(self):
        kubernetes_kit.download_programs(self.mirror(), "v1.32.13", self.folder / "kit", lambda _: None)
        self.assertTrue(os.access(self.folder / "kit/bin/kubeadm", os.X_OK))

    def test_a_program_with_another_digest_is_refused_and_not_kept(self):
        with self.assertRaises(kubernetes_kit.KitError):
            kubernetes_kit.download_programs(self.mirror(tampered=True), "v1.32.13", self.folder / "kit", lambda _: None)
        self.assertFalse((self.folder / "kit/bin/kubeadm").exists())

    def test_what_cannot_be_reached_is_said_with_the_way_out(self):
        with self.assertRaises(kubernetes_kit.KitError) as caught:
            kubernetes_kit.download_programs("http://127.0.0.1:1", "v1.32.13", self.folder / "kit", lambda _: None)
        self.assertIn("--kubernetes-dir", str(caught.exception))


class Archives(Folder):
    def test_the_same_input_gives_the_same_bytes(self):
        first = make_image(self.folder, "a.b/c:1", "one").read_bytes()
        os.utime(self.folder / "program", (5, 5))
        self.assertEqual(first, make_image(self.folder, "a.b/c:1", "two").read_bytes())

    def test_every_blob_has_its_name_and_everything_belongs_to_root(self):
        with tarfile.open(make_image(self.folder, "a.b/c:1")) as archive:
            for member in archive:
                self.assertEqual((member.mtime, member.uid, member.gid), (0, 0, 0))
                if member.isfile() and member.name.startswith("blobs/"):
                    data = archive.extractfile(member).read()
                    self.assertEqual(hashlib.sha256(data).hexdigest(), member.name.rsplit("/", 1)[1])

    def test_the_archive_says_its_name(self):
        self.assertEqual(set(kubernetes_kit.names_in_archive(make_image(self.folder, "a.b/c:1"))), {"a.b/c:1"})

    def wrong(self, *arguments):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            try:
                code = oci.main([*arguments, "--out", str(self.folder / "x.tar")])
            except SystemExit as ended:
                code = ended.code
        self.assertNotEqual(code, 0)
        self.assertFalse((self.folder / "x.tar").exists())
        return said.getvalue()

    def test_wrong_arguments_are_told(self):
        (self.folder / "f").write_text("x")
        good = f"{self.folder}/f:/f"
        self.assertIn("expected registry", self.wrong("--name", "pause", "--file", good))
        self.assertIn("No such file", self.wrong("--name", "a/b:1", "--file", "/nowhere/x:/x"))
        self.assertIn("SOURCE:/absolute", self.wrong("--name", "a/b:1", "--file", f"{self.folder}/f:/../f"))
        self.assertIn("entrypoint", self.wrong("--name", "a/b:1", "--file", good, "--entrypoint", "/other"))
        self.assertIn("at least one", self.wrong("--name", "a/b:1"))
        self.assertIn("K=V", self.wrong("--name", "a/b:1", "--file", good, "--env", "X"))

    def test_a_program_brings_its_libraries(self):
        entries = oci.collect([], [(Path("/bin/ls").resolve(), "/bin/ls")])
        self.assertTrue(any(name.startswith("/lib") and ".so" in name for name in entries))


if __name__ == "__main__":
    unittest.main()
