"""What a Kubernetes node image is made of beside Debian's packages: upstream's programs and container images.

A kit is a folder: bin/{kubeadm,kubelet,kubectl}, images/*.tar (OCI or docker archives) and, where an archive does not
say its name itself, images.json: {"registry.k8s.io/pause:3.10": {"file": "pause.tar"}, ...}. It is given by the
operator, or downloaded to a folder of this shape.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

PROGRAMS = ("kubeadm", "kubelet", "kubectl")
UPSTREAM = "https://dl.k8s.io"
VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)(-[a-z0-9.]+)?")
OLDEST = (1, 32)
MAX_PROGRAM_BYTES = 512 << 20


class KitError(Exception):
    """The kit cannot be used; the text says what to do."""


def checked_version(text):
    match = VERSION.fullmatch(text)
    if not match:
        raise KitError(f"Kubernetes version {text[:40]!r}: expected something like v1.32.13")
    if (int(match[1]), int(match[2])) < OLDEST:
        raise KitError(f"Kubernetes {text} is too old: the nodes are configured by kubeadm's v1beta4, so "
                       f"v{OLDEST[0]}.{OLDEST[1]} or later is needed")
    return text


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while chunk := handle.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def kubeadm(folder, *arguments):
    program = folder / "bin/kubeadm"
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, check=False,
                              stdin=subprocess.DEVNULL, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KitError(f"{program} does not run: {error}") from None
    if done.returncode != 0:
        raise KitError(f"{program} {' '.join(arguments)}: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


def full_name(name):
    """With registry and repository, as containerd's CRI asks its store: `local/etcd:3` is docker.io/local/etcd:3.

    The rule is docker's: what comes before the first slash is a registry if it has a dot or a port, or is localhost.
    """
    registry, slash, rest = name.partition("/")
    if slash and ("." in registry or ":" in registry or registry == "localhost"):
        return name
    return f"docker.io/{registry}/{rest}" if slash else f"docker.io/library/{name}"


def names_in_archive(path):
    """The full image names that an archive gives itself: an OCI layout's annotations or docker's repository tags."""
    names = []
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if name not in ("index.json", "manifest.json") or not member.isfile() or member.size > 4 << 20:
                    continue
                found = json.load(archive.extractfile(member))
                if name == "index.json":
                    for entry in found.get("manifests", []):
                        notes = entry.get("annotations", {})
                        named = [notes.get(key, "") for key in ("io.containerd.image.name", "org.opencontainers.image.ref.name")]
                        names += [name for name in named if "/" in name]  # the latter may be a tag alone
                else:
                    names += [tag for entry in found for tag in entry.get("RepoTags") or []]
    except (OSError, ValueError, tarfile.TarError, AttributeError, TypeError) as error:
        raise KitError(f"{path} is not an archive of container images: {error}") from None
    return [full_name(name) for name in names]


class Kit:
    """A checked folder: version, programs, and the archive of every image that kubeadm names."""

    def __init__(self, folder, version=None):
        self.folder = folder.resolve()
        missing = [f"bin/{name}" for name in PROGRAMS if not os.access(self.folder / "bin" / name, os.X_OK)]
        if missing:
            raise KitError(f"{self.folder} has no executable {', '.join(missing)}; a kit is bin/kubeadm, bin/kubelet, "
                           "bin/kubectl and images/*.tar")
        self.version = checked_version(kubeadm(self.folder, "version", "-o", "short"))
        if version and version != self.version:
            raise KitError(f"{self.folder} holds Kubernetes {self.version}, not {version}")
        self.wanted = kubeadm(self.folder, "config", "images", "list", "--kubernetes-version", self.version).split()
        self.archives = self._find_archives()

    def _mapped(self):
        path = self.folder / "images.json"
        if not path.exists():
            path = self.folder / "images" / "images.json"
            if not path.exists():
                return {}
        try:
            entries = json.loads(path.read_text())
            mapped = {full_name(name): entry["file"] for name, entry in entries.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise KitError(f"{path}: expected {{image name: {{\"file\": ...}}}}: {error}") from None
        for name, file in mapped.items():
            if not isinstance(file, str) or "/" in file or not (self.folder / "images" / file).is_file():
                raise KitError(f"{path}: {name}: there is no images/{file}")
        return {name: self.folder / "images" / file for name, file in mapped.items()}

    def _find_archives(self):
        archives = self._mapped()
        for path in sorted((self.folder / "images").glob("*.tar")):
            if path not in archives.values():
                for name in names_in_archive(path):
                    archives.setdefault(name, path)
        missing = [name for name in self.wanted if name not in archives]
        if missing:
            raise KitError(f"{self.folder}/images lacks what kubeadm {self.version} needs: {', '.join(missing)}. Put in "
                           "each as an OCI archive (`skopeo copy docker://NAME oci-archive:FILE.tar:NAME`, or "
                           "packaging/image/oci), or name its file in images.json")
        return archives

    @property
    def pause(self):
        return next(name for name in self.wanted if name.rsplit("/", 1)[1].startswith("pause:"))

    def digest(self):
        lines = [self.version] + [f"{name} {sha256_of(self.folder / 'bin' / name)}" for name in PROGRAMS]
        lines += [f"{name} {sha256_of(path)}" for name, path in sorted(self.archives.items())]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def fetch(url, path, note):
    note(url)
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, open(path, "wb") as out:
            left = MAX_PROGRAM_BYTES
            while chunk := answer.read(1 << 20):
                left -= len(chunk)
                if left < 0:
                    raise KitError(f"{url} is larger than {MAX_PROGRAM_BYTES >> 20} MiB")
                out.write(chunk)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise KitError(f"{url} cannot be fetched: {getattr(error, 'reason', error)}. Give the programs and images by "
                       "--kubernetes-dir, or another place by --kubernetes-mirror") from None


def download_programs(base, version, folder, note):
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        path, part = folder / "bin" / name, folder / "bin" / (name + ".part")
        url = f"{base.rstrip('/')}/release/{version}/bin/linux/amd64/{name}"
        fetch(url + ".sha256", part, note)
        wanted = part.read_text(errors="replace").split()[:1]
        if not wanted or not re.fullmatch("[0-9a-f]{64}", wanted[0]):
            raise KitError(f"{url}.sha256 is not a SHA-256")
        if path.exists() and sha256_of(path) == wanted[0]:
            part.unlink()
            continue
        fetch(url, part, note)
        if sha256_of(part) != wanted[0]:
            part.unlink()
            raise KitError(f"{url} does not have the SHA-256 that is published beside it")
        os.chmod(part, 0o755)
        os.replace(part, path)


def download_images(version, folder, note):
    (folder / "images").mkdir(parents=True, exist_ok=True)
    mapped = {}
    for name in kubeadm(folder, "config", "images", "list", "--kubernetes-version", version).split():
        file = re.sub(r"[^A-Za-z0-9.]+", "-", name.split("/", 1)[1]) + ".tar"
        mapped[name] = {"file": file}
        path, part = folder / "images" / file, folder / "images" / (file + ".part")
        if path.exists():
            continue
        if not shutil.which("skopeo"):
            raise KitError("skopeo (Debian package) is needed to copy container images; or give them by --kubernetes-dir")
        note(name)
        part.unlink(missing_ok=True)
        done = subprocess.run(["skopeo", "--override-os", "linux", "--override-arch", "amd64", "copy", "--quiet",
                               f"docker://{name}", f"oci-archive:{part}:{name}"], capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise KitError(f"{name} cannot be copied from its registry: {done.stderr.strip()[-300:]}. Give the images "
                           "by --kubernetes-dir")
        os.replace(part, path)
    (folder / "images.json").write_text(json.dumps(mapped, indent=1) + "\n")


def download(version, base, folder, note):
    """A kit from upstream or a mirror of it; what is there already and has the right digest is kept."""
    checked_version(version)
    folder = Path(folder)
    download_programs(base or UPSTREAM, version, folder, note)
    download_images(version, folder, note)
    return folder


def install_skopeo():
    if os.geteuid() == 0 and not shutil.which("skopeo"):
        subprocess.run(["apt-get", "-q", "-y", "install", "--no-install-recommends", "skopeo"], check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))


def find(folder, version, mirror, cache, may_install):
    """The Kubernetes that was asked for, or None; what has to be downloaded is kept below `cache`."""
    if not folder and not version:
        return None
    if version and not version.startswith("v"):
        version = "v" + version
    if not folder:
        checked_version(version)
        if may_install:
            install_skopeo()
        folder = download(version, mirror, cache / version, lambda what: print(f"fetch {what}", flush=True))
    return Kit(folder, version)
