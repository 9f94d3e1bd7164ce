"""A host: its first process (holder.py) with private mounts, libvirtd and the agent inside."""

import grp
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid

import network
import proc
from state import CampusError

_HOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "holder.py")

# What libvirt keeps where; each host has its own, kept in its directory.
_PRIVATE = {
    "etc-libvirt": "/etc/libvirt",
    "lib-libvirt": "/var/lib/libvirt",
    "log-libvirt": "/var/log/libvirt",
    "cache-libvirt": "/var/cache/libvirt",
}

_QEMU_CONF = """\
user = "libvirt-qemu"
group = "{group}"
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
remember_owner = 0
"""

_LIBVIRTD_CONF = """\
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
host_uuid = "{host_uuid}"
log_outputs = "3:stderr"
"""

# QEMU runs as on any Debian. That makes the account with libvirt-daemon-system, which would also run a libvirtd on the
# machine itself; so a host sees them and the machine not.
_QEMU_USER = {"/etc/passwd": "libvirt-qemu:x:64055:64055:Libvirt Qemu:/var/lib/libvirt:/usr/sbin/nologin\n",
              "/etc/group": "libvirt-qemu:x:64055:\n"}

SOCKET = "/run/libvirt/libvirt-sock"


def holder_component(host):
    return f"host-{host}"


def libvirtd_component(host):
    return f"libvirtd-{host}"


def agent_component(host):
    return f"agent-{host}"


def _write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)


def prepare_directories(campus, host):
    for name, target in _PRIVATE.items():
        os.makedirs(campus.host_dir(host, name), exist_ok=True)
        _make_mountpoint(campus, target)
    for name in ("agent", "keys"):
        os.makedirs(campus.host_dir(host, name), mode=0o700, exist_ok=True)
    # From the campus' name and the host's, so that a host keeps its hardware identity whatever is lost.
    host_uuid = uuid.uuid5(uuid.NAMESPACE_URL, f"dure-campus:{campus.name}:{host}")
    _write(campus.host_dir(host, "etc-libvirt", "qemu.conf"), _QEMU_CONF.format(group=_kvm_group()))
    _write(campus.host_dir(host, "etc-libvirt", "libvirtd.conf"), _LIBVIRTD_CONF.format(host_uuid=host_uuid))


def _kvm_group():
    """/dev/kvm is this group's; where nobody has made it there is no such device."""
    try:
        return grp.getgrnam("kvm").gr_name
    except KeyError:
        return "libvirt-qemu"


def _accounts(campus, host):
    """Copies of the machine's accounts with libvirt's added, where those are missing: [copy, place] to bind."""
    binds = []
    for place, line in _QEMU_USER.items():
        with open(place, encoding="utf-8") as f:
            text = f.read()
        if re.search(r"^libvirt-qemu:", text, re.M):
            continue
        copy = campus.host_dir(host, os.path.basename(place))
        _write(copy, text + ("" if text.endswith("\n") else "\n") + line)
        binds.append([copy, place])
    return binds


def _make_mountpoint(campus, target):
    missing = []
    path = target
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for path in reversed(missing):
        campus.note_made(path)
        os.mkdir(path, 0o755)


def holder(campus, host):
    """The host's first process, if the host is on and is the one in today's network namespace."""
    process = proc.find(campus, holder_component(host))
    if process is None:
        return None
    try:
        inode = os.stat(f"/proc/{process.pid}/ns/net").st_ino
    except OSError:
        return None
    ns = campus.host_ns(host)
    return process if network.namespace_exists(ns) and inode == network.namespace_inode(ns) else None


def require_holder(campus, host):
    campus.host_index(host)
    process = holder(campus, host)
    if process is None:
        raise CampusError(f"host {host} is not running; `campus up` starts it")
    return process


def start_host(campus, host):
    """Switches the host on; nothing happens when it is on."""
    process = holder(campus, host)
    if process and _mounted(process):
        return process
    stale = proc.find(campus, holder_component(host))
    if stale:
        stale.end((signal.SIGKILL, 10))
    if network.used(campus, host):
        network.clear_host(campus, host)
    prepare_directories(campus, host)
    binds = [[campus.host_dir(host, name), target] for name, target in _PRIVATE.items()]
    binds += _accounts(campus, host)
    argv = [sys.executable, "-B", "-I", _HOLDER, campus.name, host, "READY-FD", json.dumps({"binds": binds, "kvm_group": _kvm_group()})]
    return proc.launch(campus, holder_component(host), argv, holder=f"{network.NETNS_DIR}/{campus.host_ns(host)}")


def _mounted(process):
    try:
        with open(f"/proc/{process.pid}/mountinfo", encoding="utf-8") as f:
            points = {line.split()[4] for line in f}
    except OSError:
        return False
    return all(target in points for target in _PRIVATE.values())


def stop_host(campus, host):
    """Pulls the plug: everything in the host dies with its first process."""
    process = proc.find(campus, holder_component(host))
    if process and not process.end((signal.SIGKILL, 30)):
        raise CampusError(f"host {host} (pid {process.pid}) does not die; a process in it hangs in the kernel")


def unrecorded(campus):
    """First processes of hosts whose record is lost (someone emptied /run): ours by their argv and their namespace."""
    found = []
    inodes = {network.namespace_inode(campus.host_ns(h)) for h in campus.host_names
              if network.namespace_exists(campus.host_ns(h))}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().decode(errors="replace").split("\0")
            if argv[3:5] == [_HOLDER, campus.name] and os.stat(f"/proc/{pid}/ns/net").st_ino in inodes:
                found.append(proc.Process("host", {"pid": int(pid), "start": proc.start_time(pid), "argv": argv}, ""))
        except (OSError, ValueError):
            continue
    return found


def socket_path(campus, host):
    """libvirtd's socket as seen from outside the host."""
    return f"/proc/{require_holder(campus, host).pid}/root{SOCKET}"


def virsh_argv(campus, host, *argv):
    return ["nsenter", "-t", str(require_holder(campus, host).pid), "-m", "-n", "virsh", "-q", "-c", "qemu:///system", *argv]


def start_libvirtd(campus, host):
    process = proc.find(campus, libvirtd_component(host))
    if process:
        return process
    first = require_holder(campus, host)
    binary = _sbin("libvirtd")
    return proc.launch(campus, libvirtd_component(host), [binary], host_pid=first.pid)


def wait_libvirtd(campus, host, process, seconds=60):
    socket = socket_path(campus, host)

    def answers():
        if not os.path.exists(socket):
            return False
        done = subprocess.run(virsh_argv(campus, host, "uri"), capture_output=True, check=False, timeout=30)
        return done.returncode == 0

    proc.wait_until(process, campus, answers, seconds, "answer on its socket")


def start_agent(campus, host, binary):
    process = proc.find(campus, agent_component(host))
    if process:
        return process
    first = require_holder(campus, host)
    config = campus.host_dir(host, "agent.toml")
    return proc.launch(campus, agent_component(host), [binary, "run", "--config", config], host_pid=first.pid)


def _sbin(name):
    found = shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if not found:
        raise CampusError(f"{name} is not installed; run `campus up` without --no-install")
    return found


def enter(campus, host, argv, env=None):
    """Becomes `argv` inside the host; never returns."""
    first = require_holder(campus, host)
    full = ["nsenter", "-t", str(first.pid), "-m", "-n", "-p", "--wd=/", "--", *argv]
    os.execvpe("nsenter", full, {**os.environ, "LIBVIRT_DEFAULT_URI": "qemu:///system", **(env or {})})
