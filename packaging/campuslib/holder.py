"""The first process of a host: init of its process namespace, owner of its private mounts.

Started by launch.py inside new mount and pid namespaces. While it lives the host is on; killing it is pulling the
plug (libvirtd, agent and every QEMU go with it). It reaps what is orphaned in the host and does nothing else.
"""

import ctypes
import json
import os
import shutil
import signal
import stat
import sys

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def mount(source, target, kind, flags, data=None):
    _check(
        _libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags),
                    data.encode() if data else None),
        f"mount {source} on {target}",
    )


def private_view(binds):
    """Nothing of the machine's /run is seen by the host, and nothing mounted here is seen by the machine."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    # Our copies of other hosts' namespace files would keep those namespaces alive after they were deleted.
    _libc.umount2(b"/run/netns", MNT_DETACH)  # fails where nothing is mounted, which is as good
    resolver = None
    if os.path.realpath("/etc/resolv.conf").startswith("/run/"):
        with open("/etc/resolv.conf", "rb") as f:
            resolver = (os.path.realpath("/etc/resolv.conf"), f.read(65536))
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    # A sysfs of our own network namespace: /sys/class/net of the machine would show the machine's links. Cgroups go
    # with the old one; libvirt does without.
    _libc.umount2(b"/sys", MNT_DETACH)
    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m")
    for directory, mode in (("/run/libvirt", 0o755), ("/run/lock", 0o1777), ("/run/user", 0o755), ("/run/dure", 0o700)):
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, mode)
    if resolver:
        os.makedirs(os.path.dirname(resolver[0]), exist_ok=True)
        with open(resolver[0], "wb") as f:
            f.write(resolver[1])
    for source, target in binds:
        mount(source, target, None, MS_BIND)


def open_kvm(group):
    """/dev/kvm as Debian's udev makes it, for its group, whatever the machine has done with it. A libvirt whose QEMU may not
    open it asks QEMU anew what it can before each VM, which takes ten seconds."""
    if not os.path.exists("/dev/kvm"):
        return
    number = os.stat("/dev/kvm").st_rdev
    os.makedirs("/run/devices")
    mount("tmpfs", "/run/devices", "tmpfs", MS_NOSUID, "mode=0755,size=64k")
    os.mknod("/run/devices/kvm", 0o660 | stat.S_IFCHR, number)
    os.chmod("/run/devices/kvm", 0o660)
    shutil.chown("/run/devices/kvm", group=group)
    mount("/run/devices/kvm", "/dev/kvm", None, MS_BIND)


def main():
    # argv: holder.py CAMPUS HOST READY-FD JSON; the names are there for whoever reads ps.
    ready = int(sys.argv[3])
    spec = json.loads(sys.argv[4])
    private_view(spec["binds"])
    open_kvm(spec["kvm_group"])
    # Ignored SIGCHLD makes the kernel reap every orphan of the host.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.chdir("/")
    os.write(ready, b"ready")
    os.close(ready)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
