"""Steps on this machine: files, clock, routes, the masquerade rule, commands. Argument vectors only."""

import http.client
import json
import os
import socket
import subprocess
import threading
import time
from ipaddress import IPv4Interface

from durenode import plan

PROTOCOL = "88"  # marks our routes in the kernel's table
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
CONTAINERD = "/run/containerd/containerd.sock"
HTTP2_SETTINGS = 4
HTTP2_BEGIN = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, HTTP2_SETTINGS, 0, 0, 0, 0, 0])
KUBELET_HEALTH = ("127.0.0.1", 10248, "/healthz")


class StepFailed(Exception):
    """A step did not end well; the text is the last thing that its tool said."""


def output_of(argv, stdin=None, seconds=60):
    try:
        done = subprocess.run(argv, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                              capture_output=True, text=True, errors="replace", timeout=seconds, check=False, env=ENVIRONMENT)
    except subprocess.TimeoutExpired:
        raise StepFailed(f"{argv[0]} took longer than {seconds:.0f} s") from None
    if done.returncode != 0:
        raise StepFailed(plan.last_words(done.stderr or done.stdout))
    return done.stdout


def follow(argv, seconds):
    """A long command: every line goes to the journal, the last ones into the error."""
    tail, limit = [], threading.Event()
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", env=ENVIRONMENT) as child:
        def expire():
            limit.set()
            child.kill()
        timer = threading.Timer(seconds, expire)
        timer.start()
        try:
            for line in child.stdout:
                print(line[:500].rstrip(), flush=True)
                tail = [*tail[-19:], line[:500]]
        finally:
            timer.cancel()
    if limit.is_set():
        raise StepFailed(f"{os.path.basename(argv[0])} took longer than {seconds:.0f} s")
    if child.returncode != 0:
        raise StepFailed(plan.last_words("\n".join(tail)))


def answers(place, seconds):
    """Whether a server of this machine says 200 to a plain GET; `place`: host, port, path."""
    host, port, path = place
    link = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        link.request("GET", path)
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def _open_folder(path):
    """The folder, made where it is missing; a symbolic link on the way is refused."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open("/", flags)
    for part in path.strip("/").split("/"):
        try:
            try:
                os.mkdir(part, 0o755, dir_fd=fd)
            except FileExistsError:
                pass
            deeper = os.open(part, flags, dir_fd=fd)
        except OSError as error:
            raise StepFailed(f"{path}: {error.strerror}") from None
        finally:
            os.close(fd)
        fd = deeper
    return fd


def write_file(path, content, mode):
    """Whole or not at all, also over a power cut."""
    folder, name = os.path.split(path)
    fd = _open_folder(folder)
    part = f".{name}.part"
    try:
        try:
            os.unlink(part, dir_fd=fd)
        except FileNotFoundError:
            pass
        out = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=fd)
        with os.fdopen(out, "wb") as handle:
            os.fchmod(out, mode)
            handle.write(content)
            handle.flush()
            os.fsync(out)
        os.rename(part, name, src_dir_fd=fd, dst_dir_fd=fd)
        os.fsync(fd)
    except OSError as error:
        raise StepFailed(f"{path}: {error.strerror}") from None
    finally:
        os.close(fd)


def write_hosts(document):
    write_file("/etc/hosts", plan.hosts_file(document.hosts).encode(), 0o644)


def write_resolver(document):
    """The cluster's DNS does not start without a resolver to ask, and must never ask itself by loopback."""
    try:
        with open("/etc/resolv.conf", encoding="utf-8", errors="replace") as handle:
            if plan.has_resolver(handle.read()):
                return
    except FileNotFoundError:
        pass
    # Nothing listens there: a name of the outside is refused at once.
    write_file("/etc/resolv.conf", f"nameserver {document.address}\n".encode(), 0o644)


def write_link(path, target):
    """A symbolic link in an existing folder, in the place of what was there."""
    part = path + ".part"
    if os.path.lexists(part):
        os.unlink(part)
    os.symlink(target, part)
    os.replace(part, path)


def remove_file(path):
    """Its content is overwritten first: a disk image outlives the file."""
    try:
        with open(path, "r+b", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as handle:
            handle.write(b"\0" * os.fstat(handle.fileno()).st_size)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError:
        pass
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def set_clock(now_ms, tolerance=60.0):
    """To the host's date, if it is off by more than this."""
    right = now_ms / 1000
    if abs(time.time() - right) > tolerance:
        time.clock_settime(time.CLOCK_REALTIME, right)
        print(f"the clock was wrong: set to {right:.0f}", flush=True)


def own_segment(address):
    """The prefix of the interface that carries this address; None: nobody does."""
    try:
        for link in json.loads(output_of(["ip", "-j", "-4", "addr", "show"])):
            for entry in link.get("addr_info", []):
                if entry.get("local") == address:
                    return str(IPv4Interface(f"{address}/{entry['prefixlen']}").network)
    except (StepFailed, ValueError, KeyError):
        pass
    return None


def set_routes(wanted):
    present = {}
    for route in json.loads(output_of(["ip", "-j", "-4", "route", "show", "proto", PROTOCOL]) or "[]"):
        prefix = route["dst"] if "/" in route["dst"] else route["dst"] + "/32"
        present[prefix] = route.get("gateway")
    fresh, stale = plan.routes_to_change(wanted, present)
    # One process for all of them.
    lines = [f"route replace {prefix} via {via} proto {PROTOCOL}" for prefix, via in sorted(fresh.items())]
    lines += [f"route del {prefix} proto {PROTOCOL}" for prefix in stale]
    if lines:
        output_of(["ip", "-batch", "-"], "\n".join(lines) + "\n")


def set_masquerade(document, segment):
    output_of(["nft", "-f", "-"], plan.masquerade_rules(document, segment))


def containerd_answers(seconds=4.0):
    """It speaks: who only listens may be a program that hangs. HTTP/2, as gRPC begins: both sides send their settings first."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(seconds)
        try:
            link.connect(CONTAINERD)
            link.sendall(HTTP2_BEGIN)
            head = link.recv(9, socket.MSG_WAITALL)
            return len(head) == 9 and head[3] == HTTP2_SETTINGS
        except OSError:
            return False


def kubelet_answers(seconds=4.0):
    return answers(KUBELET_HEALTH, seconds)
