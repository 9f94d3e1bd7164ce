"""Starts one long-running process, in the machine or in a host, and writes down who it is before it runs.

A program of its own, so that it is single-threaded when it enters namespaces. The child writes its record (pid and
start time as the machine sees them) before it becomes the wanted program: however the caller dies, there is never a
process without a record. Its one argument is JSON; it prints the record, or exits 1 with the reason.
"""

import ctypes
import fcntl
import json
import os
import select
import signal
import sys

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def setns(fd, kind):
    if _libc.setns(fd, kind) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def unshare(flags):
    if _libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def start_time(pid):
    """Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and parentheses."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        return int(f.read().rpartition(")")[2].split()[19])


def boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        return f.read().strip()


def write_record(path, spec):
    # /proc is still the machine's: it answers with the pid that the machine knows, inside a pid namespace too.
    pid = int(os.readlink("/proc/self"))
    record = {"pid": pid, "start": start_time(pid), "boot": boot_id(), "argv": spec["argv"], "component": spec["component"]}
    temporary = f"{path}.{pid}"
    with open(temporary, "w", encoding="utf-8") as f:
        json.dump(record, f)
    os.rename(temporary, path)
    return record


def become(spec, fds, report):
    """Never returns: this process turns into the wanted program."""
    try:
        os.setsid()
        # Python ignores these, and what is ignored stays ignored over exec.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        record = write_record(spec["record"], spec)
        os.write(report, (json.dumps(record) + "\n").encode())
        log = os.open(spec["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        if "mnt" in fds:
            setns(fds["mnt"], CLONE_NEWNS)
        os.dup2(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.umask(0o022)
        argv = spec["argv"]
        if spec.get("holder"):
            os.set_inheritable(spec["ready_fd"], True)
        else:
            os.chdir("/")
        if spec.get("user"):
            user = spec["user"]
            os.setgroups([])
            os.setgid(user["gid"])
            os.setuid(user["uid"])
        os.execve(argv[0], argv, spec["env"])
    except BaseException as error:  # noqa: B902 -- the parent is told, whatever it was
        os.write(report, f"error: {spec['argv'][0]}: {error}\n".encode())
    os._exit(127)


def read_all(fd, seconds):
    data = b""
    while select.select([fd], [], [], seconds)[0]:
        chunk = os.read(fd, 65536)
        if not chunk:
            break
        data += chunk
    return data.decode(errors="replace")


def main():
    spec = json.loads(sys.argv[1])
    report_read, report = os.pipe2(os.O_CLOEXEC)
    ready_read = None
    fds = {}
    if spec.get("holder"):
        # A new host: its network namespace exists, mounts and processes are new.
        setns(os.open(spec["netns"], os.O_RDONLY | os.O_CLOEXEC), CLONE_NEWNET)
        ready_read, ready = os.pipe2(os.O_CLOEXEC)
        # Above what the program itself may reopen, and named in its argv.
        high = fcntl.fcntl(ready, fcntl.F_DUPFD, 10)
        os.close(ready)
        spec["ready_fd"] = high
        spec["argv"] = [a if a != "READY-FD" else str(high) for a in spec["argv"]]
        unshare(CLONE_NEWNS | CLONE_NEWPID)
    elif spec.get("host_pid"):
        base = f"/proc/{spec['host_pid']}/ns/"
        for kind in ("net", "pid", "mnt"):
            fds[kind] = os.open(base + kind, os.O_RDONLY | os.O_CLOEXEC)
        setns(fds["net"], CLONE_NEWNET)
        setns(fds["pid"], CLONE_NEWPID)
    middle = os.fork()
    if middle == 0:
        if spec.get("holder"):
            become(spec, fds, report)  # the first process of the new pid namespace
        # Forked once more, so that the host's own first process is who reaps it.
        if os.fork() == 0:
            become(spec, fds, report)
        os._exit(0)
    os.close(report)
    if spec.get("holder"):
        os.close(spec["ready_fd"])
    else:
        os.waitpid(middle, 0)
    text = read_all(report_read, 30)  # ends when exec closed the pipe
    lines = text.splitlines()
    failed = [line for line in lines if line.startswith("error: ")]
    if failed or not lines:
        print(failed[0] if failed else "error: it died before it ran", file=sys.stderr)
        sys.exit(1)
    if ready_read is not None and read_all(ready_read, 30) != "ready":
        print(f"error: the host's first process did not get ready; see {spec['log']}", file=sys.stderr)
        sys.exit(1)
    print(lines[0])


if __name__ == "__main__":
    main()
