"""Long-running processes: started with a record, found again, ended by exactly that record."""

import json
import os
import select
import signal
import subprocess
import sys
import time

from launch import boot_id, start_time
from state import CampusError

_LAUNCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.py")

BASE_ENV = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/root",
}


class Process:
    """A record that was checked against the kernel: this pid is still the process that we started."""

    def __init__(self, component, record, path):
        self.component = component
        self.pid = record["pid"]
        self.start = record["start"]
        self.argv = record["argv"]
        self.path = path

    def uptime_seconds(self):
        with open("/proc/uptime", encoding="ascii") as f:
            return max(0.0, float(f.read().split()[0]) - self.start / os.sysconf("SC_CLK_TCK"))

    def outdated(self):
        """Its program was built again since it started: the file that it runs is no longer the one of that name."""
        try:
            return os.readlink(f"/proc/{self.pid}/exe").endswith(" (deleted)")
        except OSError:
            return False

    def open(self):
        """A pidfd that surely is this process, or None. Checking after opening closes the race with a recycled pid."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if not _is(self.pid, self.start):
            os.close(fd)
            return None
        return fd

    def signal(self, number):
        fd = self.open()
        if fd is None:
            return False
        try:
            signal.pidfd_send_signal(fd, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(fd)

    def end(self, *steps):
        """Each step is (signal, seconds to wait). True when it is gone."""
        fd = self.open()
        if fd is None:
            return True
        try:
            for number, seconds in steps:
                try:
                    signal.pidfd_send_signal(fd, number)
                except ProcessLookupError:
                    return True
                if wait_exit(fd, seconds):
                    return True
            return False
        finally:
            os.close(fd)

    def forget(self):
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass


def wait_exit(pidfd, seconds):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(int(seconds * 1000)))


def _is(pid, start):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] not in ("Z", "X") and int(fields[19]) == start


def record_path(campus, component):
    return campus.run_path("processes", f"{component}.json")


def find(campus, component):
    """The running process of this component, or None (never started, ended, or from before a reboot)."""
    path = record_path(campus, component)
    try:
        with open(path, encoding="utf-8") as f:
            record = json.load(f)
    except (FileNotFoundError, ValueError):
        return None
    if record.get("boot") != boot_id() or not _is(record["pid"], record["start"]):
        return None
    return Process(component, record, path)


def components(campus):
    """Every component that has a record, running or not."""
    try:
        names = os.listdir(campus.run_path("processes"))
    except FileNotFoundError:
        return []
    return sorted(name[:-5] for name in names if name.endswith(".json"))


def launch(campus, component, argv, *, host_pid=None, holder=None, user=None, env=None):
    """Starts `argv` as `component`. In a host when host_pid is its first process; as that first process for holder."""
    os.makedirs(campus.run_path("processes"), exist_ok=True)
    os.makedirs(campus.path("log"), exist_ok=True)
    spec = {
        "component": component, "argv": argv, "record": record_path(campus, component),
        "log": campus.log_path(component), "env": {**BASE_ENV, **(env or {})},
        "host_pid": host_pid, "user": user,
    }
    if holder:
        spec.update(holder=True, netns=holder)
    done = subprocess.run([sys.executable, "-B", "-I", _LAUNCH, json.dumps(spec)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise CampusError(f"{component} could not be started: {done.stderr.strip()[-600:]}")
    process = find(campus, component)
    if process is None:
        raise CampusError(f"{component} ended as soon as it started\n{log_tail(campus, component)}")
    return process


def wait_until(process, campus, ready, seconds, what):
    """Waits for ready() to be true; a process that dies meanwhile is an error at once, with the end of its log."""
    fd = process.open()
    deadline = time.monotonic() + seconds
    try:
        while True:
            if ready():
                return
            if fd is None or wait_exit(fd, 0.05):
                raise CampusError(f"{process.component} died while starting\n{log_tail(campus, process.component)}")
            if time.monotonic() > deadline:
                raise CampusError(f"{process.component}: no {what} within {seconds} s\n"
                                  f"{log_tail(campus, process.component)}")
    finally:
        if fd is not None:
            os.close(fd)


def log_tail(campus, component, lines=15):
    path = campus.log_path(component)
    try:
        with open(path, "rb") as f:
            f.seek(max(0, os.path.getsize(path) - 8192))
            text = f.read().decode(errors="replace").splitlines()[-lines:]
    except OSError:
        return f"  (no log at {path})"
    return f"  the end of {path}:\n" + "\n".join(f"  | {line}" for line in text)


__all__ = ["BASE_ENV", "Process", "components", "find", "launch", "log_tail", "record_path", "start_time", "wait_exit",
           "wait_until"]
