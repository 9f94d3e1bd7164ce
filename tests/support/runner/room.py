"""Runs one command in a machine of its own: network, mounts, processes, and a libvirtd if one is installed.

usage: room.py COMMAND...        (as the first process of new network, mount and process namespaces; see wrap())

Nothing of the outer machine's libvirt or network is seen or touched; when the command ends, the process namespace ends
and with it every process that was started in it.
"""

from __future__ import annotations

import grp
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

START_SECONDS = 60
SOCKET = "/run/libvirt/libvirt-sock"
LIBVIRT_FOLDERS = ("/etc/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt")
QEMU_CONF = """\
user = "libvirt-qemu"
group = "{group}"
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
"""
# QEMU runs as it does on Debian, so that what it may not read shows here; libvirt-daemon-system makes the account.
QEMU_ACCOUNT = {"/etc/passwd": "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin\n",
                "/etc/group": "libvirt-qemu:x:64055:\n"}
LIBVIRTD_CONF = """\
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""


def missing() -> str:
    """Why there can be no room here; empty when there can."""
    if os.geteuid() != 0:
        return "root is needed for namespaces"
    absent = [name for name in ("setpriv", "unshare", "mount", "ip") if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


def wrap(argv: list[str]) -> list[str]:
    # setpriv: the room ends with the process that made it, even if that is killed.
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
            "--", sys.executable, "-B", os.path.realpath(__file__), *argv]


def _mount(kind: str, where: str) -> None:
    subprocess.run(["mount", "-t", kind, kind, where], check=True, stdin=subprocess.DEVNULL)


def _prepare() -> None:
    _mount("sysfs", "/sys")  # shows the devices of this network namespace
    _mount("tmpfs", "/run")
    os.makedirs("/run/lock", exist_ok=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, stdin=subprocess.DEVNULL)


def _add_account() -> None:
    """Only inside: a copy with one line more is mounted over the file."""
    for path, line in QEMU_ACCOUNT.items():
        text = Path(path).read_text(encoding="utf-8")
        if any(row.startswith("libvirt-qemu:") for row in text.splitlines()):
            continue
        copy = Path("/run") / os.path.basename(path)
        copy.write_text(text.rstrip("\n") + "\n" + line, encoding="utf-8")
        copy.chmod(0o644)
        subprocess.run(["mount", "--bind", str(copy), path], check=True, stdin=subprocess.DEVNULL)


def _kvm_group() -> str:
    """/dev/kvm is this group's; where nobody has made it there is no such device."""
    try:
        return grp.getgrnam("kvm").gr_name
    except KeyError:
        return "libvirt-qemu"


def _open_kvm() -> None:
    """/dev/kvm as Debian's udev makes it, for its group. A libvirt whose QEMU may not open it asks QEMU anew what it can
    before each VM, which takes ten seconds."""
    if not os.path.exists("/dev/kvm"):
        return
    number = os.stat("/dev/kvm").st_rdev
    os.mknod("/run/kvm", 0o660 | stat.S_IFCHR, number)
    os.chmod("/run/kvm", 0o660)
    shutil.chown("/run/kvm", group=_kvm_group())
    subprocess.run(["mount", "--bind", "/run/kvm", "/dev/kvm"], check=True, stdin=subprocess.DEVNULL)


def _start_libvirtd() -> subprocess.Popen | None:
    program = shutil.which("libvirtd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        return None
    for folder in LIBVIRT_FOLDERS:
        os.makedirs(folder, exist_ok=True)
        _mount("tmpfs", folder)
    _add_account()
    _open_kvm()
    Path("/etc/libvirt/qemu.conf").write_text(QEMU_CONF.format(group=_kvm_group()), encoding="ascii")
    Path("/etc/libvirt/libvirtd.conf").write_text(LIBVIRTD_CONF, encoding="ascii")
    process = subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(SOCKET)
                return process
            except OSError:
                time.sleep(0.05)
    log = Path("/var/log/libvirt/libvirtd.log")
    print("room: libvirtd did not start\n" + (log.read_text(errors="replace") if log.exists() else ""), flush=True)
    raise SystemExit(1)


def _wait_as_init(command: subprocess.Popen) -> int:
    """The first process of a namespace inherits all orphans; a test must not take an ended one for a living one."""
    while True:
        pid, status = os.wait()
        if pid == command.pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def main() -> int:
    def stop(_number: int, _frame: object) -> None:
        raise SystemExit(143)

    signal.signal(signal.SIGTERM, stop)  # the first process of a namespace ignores what it does not handle
    _prepare()
    libvirtd = _start_libvirtd()
    if libvirtd is not None:
        os.environ["DURE_TEST_LIBVIRT_URI"] = "qemu:///system"
    os.environ["DURE_TEST_PRIVATE_NETNS"] = "1"
    try:
        return _wait_as_init(subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL))
    finally:
        if libvirtd is not None:
            libvirtd.terminate()
            try:
                libvirtd.wait(10)
            except subprocess.TimeoutExpired:
                libvirtd.kill()


if __name__ == "__main__":
    sys.exit(main())
