"""What the campus runs: Debian packages, the programs of this checkout, the node image."""

import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import packages
from state import CampusError

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

UPSTREAM = "https://dl.k8s.io/release"
# The series that the nodes were tried with.
KUBERNETES_SERIES = "1.32"

PROGRAMS = {
    "dure-controlnode": "the control node",
    "dure-hostagent": "the agent of a host",
    "dure": "the command line",
}


def install(step, with_build):
    """Debian packages that are missing; QEMU 10 on Debian 12 by its own script."""
    try:
        release = packages.debian_release()
        wanted = packages.runtime(release) + (packages.build(release) if with_build else [])
        missing = packages.missing(wanted)
        if missing:
            step.say(f"{len(missing)} of {len(wanted)} packages are missing: {' '.join(missing[:6])}"
                     + (" ..." if len(missing) > 6 else ""))
        done = packages.install(wanted, step)
    except packages.PackageError as error:
        raise CampusError(str(error)) from error
    script = os.path.join(CHECKOUT, "packaging", "image", "qemu-backports")
    if os.access(script, os.X_OK):
        step.run([script], outlive=True)
    step.detail = f"{len(done)} installed" if done else "nothing was missing"


def check_installed():
    missing = packages.missing_commands()
    if missing:
        raise CampusError("missing programs: " + ", ".join(f"{c} (package {p})" for c, p in missing.items())
                          + "\n  Run `campus up` without --no-install, or: apt-get install "
                          + " ".join(sorted(set(missing.values()))))


def build_dir(campus):
    return campus.build_dir or campus.path("build")


def build(campus, step):
    """Configures with the release preset and builds the three programs."""
    where = build_dir(campus)
    if not os.path.exists(os.path.join(CHECKOUT, "CMakePresets.json")):
        raise CampusError(f"{CHECKOUT} is not a checkout of Dure (no CMakePresets.json); give --no-build --build-dir DIR "
                          "with built programs")
    os.makedirs(where, exist_ok=True)
    step.say("configuring")
    step.run(["cmake", "--preset", "release", "-S", CHECKOUT, "-B", where], cwd=CHECKOUT)
    targets = [name for name in PROGRAMS if _target_known(where, name)]
    if targets:  # without a name ninja would build everything
        step.say(f"compiling {', '.join(targets)}")
        step.run(["ninja", "-C", where, *targets], cwd=CHECKOUT)
    step.detail = where


def _target_known(where, name):
    done = subprocess.run(["ninja", "-C", where, "-t", "query", name], capture_output=True, check=False)
    return done.returncode == 0


def find_program(campus, name):
    """The program of that name in the build directory, by name, so that rooms may move."""
    where = build_dir(campus)
    likely = [os.path.join(where, room, name) for room in ("controlnode", "hostagent", "controlnode/cli", "bin", ".")]
    for path in likely:
        if _program(path):
            return os.path.realpath(path)
    for root, directories, files in os.walk(where):
        directories[:] = [d for d in directories if not d.startswith((".", "CMakeFiles", "_deps"))]
        if name in files and _program(os.path.join(root, name)):
            return os.path.realpath(os.path.join(root, name))
    return None


def _program(path):
    return os.path.isfile(path) and os.access(path, os.X_OK)


def programs(campus):
    """name -> path of all programs, or an error that names each missing one and how to get it."""
    found = {name: find_program(campus, name) for name in PROGRAMS}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        where = build_dir(campus)
        raise CampusError(
            f"not built yet, in {where}:\n"
            + "\n".join(f"  {name:<18} {PROGRAMS[name]}" for name in missing)
            + "\n  Build: `campus up` without --no-build, or by hand:\n"
            + f"    cmake --preset release -S {CHECKOUT} -B {where} && ninja -C {where} {' '.join(missing)}"
        )
    return found


class _NoUpstream(Exception):
    """Its text says why."""


def _upstream_version():
    try:
        with urllib.request.urlopen(f"{UPSTREAM}/stable-{KUBERNETES_SERIES}.txt", timeout=10) as answer:
            version = answer.read(32).decode("ascii").strip()
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise _NoUpstream(f"{UPSTREAM} cannot be reached ({getattr(error, 'reason', error)})") from error
    if not re.fullmatch(r"v1\.\d{1,3}\.\d{1,3}", version):
        raise _NoUpstream(f"{UPSTREAM} names no version, but {version!r}")
    return version


def _has_kubernetes(campus):
    try:
        with open(campus.path("image", "node-image.json"), encoding="utf-8") as f:
            return bool(json.load(f).get("kubernetes"))
    except (OSError, ValueError, AttributeError):
        return False


def _build_image(campus, step, argv):
    """With the Kubernetes that was asked for by its directory, which must be had, or with upstream's, which need not."""
    if not campus.kubernetes:
        return step.run(argv)
    if campus.kubernetes_dir:
        return step.run([*argv, "--kubernetes-dir", campus.kubernetes_dir])
    try:
        return step.run([*argv, "--kubernetes", _upstream_version()])
    except (_NoUpstream, CampusError) as error:
        if _has_kubernetes(campus):
            step.note(f"{error}\n  The image that is there has Kubernetes, and stays")
            return 0
        step.note(f"{error}\n  So the nodes carry no Kubernetes. With --kubernetes-dir DIR they do: "
                  "DIR/bin/{kubeadm,kubelet,kubectl} and DIR/images/*.tar (packaging/image/README.md)")
        return step.run(argv)


def image(campus, step, with_install):
    """The node image: given by --image, or made by the image builder into STATE/image. Answers its manifest's path."""
    manifest = campus.image or campus.path("image", "node-image.json")
    if not campus.image:
        builder = os.path.join(CHECKOUT, "packaging", "image", "build")
        if not os.access(builder, os.X_OK):
            raise CampusError(f"no image builder at {builder}; give --image FILE (a node-image.json beside its blobs/)")
        _build_image(campus, step, [builder, "--out", campus.path("image"), *([] if with_install else ["--no-install"])])
    try:
        with open(manifest, encoding="utf-8") as f:
            described = json.load(f)
        digest = described["disk"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CampusError(f"{manifest} is not a node image description: {error!r}") from error
    step.detail = f"{described.get('name', 'image')} {digest[:12]}"
    return manifest
