"""The one list of Debian packages: what running, building and testing need.

Names differ between Debian 12 and 13; every function takes the major version of the release.
"""

import os
import re
import shutil
import subprocess

SUPPORTED = (12, 13)

_RUNTIME = """
    postgresql libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils
    xorriso mmdebstrap iproute2 nftables openssh-client e2fsprogs zstd util-linux ca-certificates cpio xz-utils
""".split()

# Debian 13 split libvirt's storage driver out of libvirt-daemon.
_RUNTIME_ONLY = {12: [], 13: ["libvirt-daemon-driver-storage"]}

_BUILD = """
    build-essential cmake ninja-build ccache clang lld pkg-config libzmq3-dev cppzmq-dev libprotobuf-dev
    protobuf-compiler libvirt-dev libpqxx-dev libssl-dev libspdlog-dev libfmt-dev doctest-dev
    libtomlplusplus-dev libcli11-dev libsqlite3-dev libsqlitecpp-dev libnl-route-3-dev libnftables-dev
    libpugixml-dev libcurl4-openssl-dev libyaml-cpp-dev libutf8proc-dev librapidcheck-dev zlib1g-dev
""".split()

_BUILD_ONLY = {
    12: ["libboost1.81-dev", "libboost-json1.81-dev"],
    13: ["libboost1.83-dev", "libboost-json1.83-dev"],
}

# Peers of the benchmarks: run as tools, beside what is measured. Without one its comparison is skipped.
_BENCH = ["ganeti-htools"]

_TEST = "python3 openssl python3-yaml socat curl jq iputils-ping tcpdump psmisc faketime".split()


class PackageError(Exception):
    """Says what to do in its text."""


def debian_release(os_release="/etc/os-release"):
    """12 or 13; anything else is told apart early, because package names would not match."""
    try:
        with open(os_release, encoding="utf-8") as f:
            fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', f.read(), re.M))
    except OSError as error:
        raise PackageError(f"cannot read {os_release}: {error}") from error
    version = fields.get("VERSION_ID", "")
    if fields.get("ID") != "debian" or not version.isdigit() or int(version) not in SUPPORTED:
        raise PackageError(
            f"this is {fields.get('PRETTY_NAME', 'an unknown system')}; Debian 12 or 13 is needed "
            "(with --no-install the packages are your own affair)"
        )
    return int(version)


def runtime(release):
    return _RUNTIME + _RUNTIME_ONLY[release]


def build(release):
    return _BUILD + _BUILD_ONLY[release]


def test(release):
    del release  # the names are the same so far
    return list(_TEST)


def bench(release):
    del release
    return list(_BENCH)


def missing(names):
    """Those of `names` that dpkg does not know as installed."""
    if not names:
        return []
    answer = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package}\t${db:Status-Status}\n", *names],
        capture_output=True, text=True, check=False,
    )
    installed = {line.split("\t")[0] for line in answer.stdout.splitlines() if line.endswith("\tinstalled")}
    return [name for name in names if name not in installed]


# Programs that the campus calls itself: what --no-install has to find.
COMMANDS = {
    "ip": "iproute2", "bridge": "iproute2", "nsenter": "util-linux", "nft": "nftables", "virsh": "libvirt-clients",
    "libvirtd": "libvirt-daemon", "qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils",
    "xorriso": "xorriso", "ssh-keygen": "openssh-client", "ssh": "openssh-client",
}


def missing_commands():
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return {cmd: package for cmd, package in COMMANDS.items() if shutil.which(cmd, path=path) is None}


_NO_CLUSTER = "/etc/postgresql-common/createcluster.d/dure-campus.conf"


class _NoMainCluster:
    """While postgresql is being installed, keep it from making and starting a cluster of its own."""

    def __init__(self, wanted):
        self.wanted = wanted

    def __enter__(self):
        if self.wanted:
            os.makedirs(os.path.dirname(_NO_CLUSTER), exist_ok=True)
            with open(_NO_CLUSTER, "w", encoding="utf-8") as f:
                f.write("create_main_cluster = false\n")

    def __exit__(self, *_):
        if self.wanted and os.path.exists(_NO_CLUSTER):
            os.unlink(_NO_CLUSTER)


APT_OPTIONS = [
    "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold", "-o", "Acquire::Retries=3",
]


def install(names, step):
    """Installs what is missing of `names`; `step` shows progress (progress.Step). Returns what was installed."""
    wanted = missing(names)
    if not wanted:
        return []
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with _NoMainCluster("postgresql" in wanted):
        for attempt in ("as is", "after apt-get update"):
            if attempt != "as is":
                step.say("package lists look old: apt-get update")
                step.run(["apt-get", "-o", "DPkg::Lock::Timeout=300", "update"], env=environment, check=False,
                         outlive=True)
            code = step.run(
                ["apt-get", "install", *APT_OPTIONS, "-o", "APT::Status-Fd=1", *wanted],
                env=environment, check=False, translate=_apt_progress, outlive=True,
            )
            if code == 0:
                break
    still = missing(wanted)
    if still:
        raise PackageError(
            "apt-get could not install: " + " ".join(still) + f"\n  read {step.log_path}, or try: apt-get install "
            + " ".join(still)
        )
    return wanted


def _apt_progress(line):
    """APT::Status-Fd lines are `pmstatus:package:percent:text`; the rest is apt's own talk."""
    parts = line.split(":", 3)
    if len(parts) == 4 and parts[0] in ("pmstatus", "dlstatus"):
        try:
            return f"{float(parts[2]):3.0f} % {parts[3].strip()}"
        except ValueError:
            return None
    return None
