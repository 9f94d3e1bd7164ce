"""What a campus is (its settings, kept in STATE/campus.json) and where its things are."""

import contextlib
import fcntl
import json
import os
import re
import sys
from dataclasses import asdict, dataclass, field

RUNTIME_ROOT = "/run/dure-campus"
DEFAULT_NAME = "dure"
DEFAULT_OCTET = 90
LAST_OCTET = 120
# One host's uplink is a veth named after it, and `<name>-ctl` has to fit in IFNAMSIZ.
_NAME = re.compile(r"[a-z][a-z0-9]{0,9}")


class CampusError(Exception):
    """Ends the command; its text says what happened and what to do."""


@dataclass
class Campus:
    name: str
    state_dir: str
    octet: int = DEFAULT_OCTET
    hosts: int = 3
    sites: int = 2
    mtus: list = field(default_factory=lambda: [1500, 1450])
    vm_memory_mib: int = 4096
    build_dir: str = ""
    image: str = ""
    # Where the nodes' Kubernetes comes from: a directory with bin/ and images/; empty: upstream, if that can be reached.
    kubernetes_dir: str = ""
    kubernetes: bool = True
    # What the control node is configured with beside what the campus itself needs: {"section.key": value}.
    settings: dict = field(default_factory=dict)
    # Directories of the machine that this campus had to make, for `down` to take away when they are empty again.
    made: list = field(default_factory=list)

    # --- names and addresses: one formula each, used by everything else

    @property
    def runtime_dir(self):
        return f"{RUNTIME_ROOT}/{self.name}"

    def path(self, *parts):
        return os.path.join(self.state_dir, *parts)

    def run_path(self, *parts):
        return os.path.join(self.runtime_dir, *parts)

    def log_path(self, component):
        return self.path("log", f"{component}.log")

    @property
    def host_names(self):
        return [f"h{i}" for i in range(1, self.hosts + 1)]

    @property
    def site_names(self):
        return [f"site{k}" for k in range(1, self.sites + 1)]

    @property
    def router_ns(self):
        return f"{self.name}-r"

    def host_ns(self, host):
        return f"{self.name}-{host}"

    def host_index(self, host):
        if host not in self.host_names:
            raise CampusError(f"no host {host!r}; this campus has: {', '.join(self.host_names)}")
        return int(host[1:])

    def host_site_number(self, host):
        return (self.host_index(host) - 1) % self.sites + 1

    def host_site(self, host):
        return f"site{self.host_site_number(host)}"

    def host_address(self, host):
        return f"10.{self.octet}.{self.host_site_number(host)}.{10 + self.host_index(host)}"

    def site_gateway(self, number):
        return f"10.{self.octet}.{number}.254"

    def site_mtu(self, number):
        return self.mtus[(number - 1) % len(self.mtus)]

    @property
    def control_link(self):
        return f"{self.name}-ctl"

    @property
    def control_address(self):
        return f"10.{self.octet}.0.1"

    @property
    def control_gateway(self):
        return f"10.{self.octet}.0.254"

    @property
    def prefix(self):
        return f"10.{self.octet}.0.0/16"

    @property
    def api_port(self):
        return 8480 + 10 * (self.octet - DEFAULT_OCTET)

    @property
    def api_url(self):
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def agents_endpoint(self):
        return f"tcp://{self.control_address}:8481"

    @property
    def blobs_listen(self):
        return f"{self.control_address}:8482"

    @property
    def token_file(self):
        return self.path("keys", "api-token")

    @property
    def demo_key(self):
        return self.path("keys", "demo-key")

    @property
    def database_url(self):
        return f"host={self.run_path('postgres')} dbname=dure user=dure"

    def host_dir(self, host, *parts):
        return self.path("hosts", host, *parts)

    # --- kept on disk

    def save(self):
        text = json.dumps({"format": 1, **asdict(self)}, indent=2) + "\n"
        for path in (self.path("campus.json"), self.run_path("campus.json")):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            temporary = path + ".new"
            with open(temporary, "w", encoding="utf-8") as f:
                f.write(text)
                f.flush()
                os.fsync(f.fileno())
            os.rename(temporary, path)

    def note_made(self, path):
        """Says that `path` will be made by us; called before it is, so that a crash between loses nothing."""
        if path not in self.made:
            self.made.append(path)
            self.save()


def check_name(name):
    if not _NAME.fullmatch(name):
        raise CampusError(f"--name {name!r}: a lower-case letter, then at most nine letters or digits")
    return name


def default_state_dir(name):
    return "/var/lib/dure-campus" + ("" if name == DEFAULT_NAME else f"-{name}")


def load(name, state_dir=None):
    """The campus as it was last saved, or None."""
    check_name(name)
    candidates = [f"{RUNTIME_ROOT}/{name}/campus.json"]
    if state_dir is None or state_dir == default_state_dir(name):
        candidates.append(os.path.join(default_state_dir(name), "campus.json"))
    else:
        candidates.insert(0, os.path.join(state_dir, "campus.json"))
    for path in candidates:
        try:
            with open(path, encoding="utf-8") as f:
                raw = json.load(f)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise CampusError(f"{path}: {error}") from error
        if raw.pop("format", None) != 1:
            raise CampusError(f"{path}: written by another version of campus; use that one for `down`")
        campus = Campus(**raw)
        if campus.name != name:
            raise CampusError(f"{path} belongs to campus {campus.name!r}; use --name {campus.name}")
        if state_dir and os.path.realpath(state_dir) != os.path.realpath(campus.state_dir):
            raise CampusError(f"campus {name!r} is kept in {campus.state_dir}, not in {state_dir}; take it down first, "
                              "or give another --name")
        return campus
    return None


@contextlib.contextmanager
def _lock_file(path, wait_note=None):
    """The kernel releases it whatever happens to us. Whoever is last removes the file, so it is looked at again."""
    while True:
        os.makedirs(RUNTIME_ROOT, mode=0o755, exist_ok=True)
        try:
            f = open(path, "a", encoding="utf-8")
        except FileNotFoundError:
            continue  # the directory went between the two lines
        with f:
            try:
                fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if wait_note:
                    wait_note()
                fcntl.flock(f, fcntl.LOCK_EX)
            try:
                if os.stat(path).st_ino != os.fstat(f.fileno()).st_ino:
                    continue
            except FileNotFoundError:
                continue
            yield f
            return


def locked(name):
    """One `up`, `down`, `kill` or `start` of a campus at a time, until the programs that it runs have ended too."""
    return _lock_file(f"{RUNTIME_ROOT}/{name}.lock",
                      lambda: print("campus: another campus command is at work; waiting for it", file=sys.stderr, flush=True))


def unlink_lock(name):
    """At the end of `down`, the lock still held."""
    os.unlink(f"{RUNTIME_ROOT}/{name}.lock")
    with _registry() as names:
        empty = not names
        if empty:
            os.unlink(f"{RUNTIME_ROOT}/registry.lock")
    if empty:
        try:
            os.rmdir(RUNTIME_ROOT)
        except OSError:
            pass  # another campus is just beginning


@contextlib.contextmanager
def _registry():
    path = f"{RUNTIME_ROOT}/registry.json"
    with _lock_file(f"{RUNTIME_ROOT}/registry.lock"):
        try:
            with open(path, encoding="utf-8") as f:
                names = json.load(f)
        except (FileNotFoundError, ValueError):
            names = {}
        yield names
        if names:
            with open(path + ".new", "w", encoding="utf-8") as f:
                json.dump(names, f)
            os.rename(path + ".new", path)
        elif os.path.exists(path):
            os.unlink(path)


def _octets_in_use(except_link):
    """Second octets of every 10.x route that the machine has already, other than over our own link.

    From the kernel's own table, because this is asked before iproute2 is installed.
    """
    used = set()
    with open("/proc/net/route", encoding="ascii") as f:
        for line in f.readlines()[1:]:
            link, destination = line.split()[:2]
            address = int(destination, 16).to_bytes(4, sys.byteorder)
            if link != except_link and address[0] == 10:
                used.add(address[1])
    return used


def claim_octet(name, wanted=None):
    """The second octet of this campus' addresses: its own from before, else the first that nobody uses."""
    with _registry() as names:
        busy = _octets_in_use(f"{name}-ctl")
        others = {octet for other, octet in names.items() if other != name}
        if wanted is None:
            wanted = names.get(name)
        if wanted is not None:
            if wanted in others or wanted in busy:
                raise CampusError(f"10.{wanted}.0.0/16 is in use by something else on this machine; "
                                  f"take campus {name!r} down and up again to get other addresses")
            names[name] = wanted
            return wanted
        first = DEFAULT_OCTET if name == DEFAULT_NAME else DEFAULT_OCTET + 1
        for octet in range(first, LAST_OCTET + 1):
            if octet not in others and octet not in busy:
                names[name] = octet
                return octet
    raise CampusError(f"no free network from 10.{DEFAULT_OCTET}.0.0/16 to 10.{LAST_OCTET}.0.0/16 on this machine")


def release_octet(name):
    with _registry() as names:
        names.pop(name, None)


def campuses():
    """Names of the campuses of this machine, for a message; no lock, nothing is made."""
    try:
        with open(f"{RUNTIME_ROOT}/registry.json", encoding="utf-8") as f:
            return sorted(json.load(f))
    except (OSError, ValueError):
        return []
