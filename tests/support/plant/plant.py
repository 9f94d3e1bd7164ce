"""A control node and a fleet of simulated agents as real processes on this machine, for integration tests and benchmarks."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl test"


class Failed(Exception):
    """A claim that did not hold; its text says what was seen."""


def expect(condition, what):
    if not condition:
        raise Failed(what)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds=60, pause=0.05):
    end = time.monotonic() + seconds
    answer = None
    while time.monotonic() < end:
        try:
            answer = condition()
        except OSError as error:
            answer = error
        if answer is True:
            return
        time.sleep(pause)
    raise Failed(f"{what}: not within {seconds} s; last seen: {answer}")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers = status, headers
        self.body = json.loads(body) if body and headers.get("content-type", "").endswith("json") else body

    def __repr__(self):
        return f"{self.status} {self.body}"


class Plant:
    """Everything below one temporary directory; `stop` ends what was started."""

    def __init__(self, build_dir, database):
        self.build_dir = pathlib.Path(build_dir)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="dure-plant-"))
        self.database = self._fresh_database(database)
        self.api_port, self.agents_port, self.blobs_port = free_port(), free_port(), free_port()
        self.processes = {}

    def _fresh_database(self, url):
        name = "plant_" + uuid.uuid4().hex[:12]
        subprocess.run(["psql", "-q", "-X", url, "-c", f"CREATE DATABASE {name}"], check=True, timeout=60)
        self.admin_url, self.database_name = url, name
        kept = [part for part in url.split() if not part.startswith("dbname=")]
        return " ".join([*kept, f"dbname={name}"])

    # --- processes

    def program(self, name):
        found = [p for p in self.build_dir.rglob(name) if p.is_file() and os.access(p, os.X_OK)]
        expect(found, f"{name} is not in {self.build_dir}; build it first")
        return str(found[0])

    def _start(self, name, argv):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def init(self):
        subprocess.run([self.program("dure-controlnode"), "init", "--dir", str(self.folder / "keys")], check=True, timeout=60)
        self.token = (self.folder / "keys/api-token").read_text().strip()
        values = {"database": {"url": self.database}, "keys": {"dir": str(self.folder / "keys")},
                  "api": {"listen": f"127.0.0.1:{self.api_port}"},
                  "blobs": {"listen": f"127.0.0.1:{self.blobs_port}", "dir": str(self.folder / "shelf")},
                  "agents": {"listen": f"tcp://127.0.0.1:{self.agents_port}"}, "log": {"level": "info"}}
        text = ""
        for section, keys in values.items():
            text += f"[{section}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in keys.items())
        (self.folder / "control.toml").write_text(text)

    def start_control(self, name="control", seconds=60):
        self._start(name, [self.program("dure-controlnode"), "run", "--config", str(self.folder / "control.toml")])
        wait_for("control node is ready", lambda: self._ready(name), seconds)

    def _ready(self, name):
        expect(self.processes[name].poll() is None, f"{name} ended:\n" + self.log(name)[-3000:])
        return self.request("GET", "/readyz").status == 200

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def kill(self, name, number=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(60)

    def make_fleet(self, count, capacity, sites=2):
        """Keys for `count` hosts, and their rows."""
        subprocess.run([self.program("dure-fleet"), "keys", "--dir", str(self.folder / "fleet"), "--count", str(count)],
                       check=True, timeout=600)
        for number in range(1, sites + 1):
            self.need("POST", "/api/v1/sites", {"name": f"site{number}", "underlay_mtu": 1500})
        for i in range(count):
            folder = self.folder / "fleet" / str(i)
            self.need("POST", "/api/v1/hosts", {
                "name": f"h{i}", "site": f"site{i % sites + 1}", "id": (folder / "host_id").read_text().strip(),
                "address": f"10.{i // 62500 + 1}.{i // 250 % 250}.{i % 250 + 1}",
                "curve_key": (folder / "curve.pub").read_text().strip(), "class": "anchor", "capacity": capacity})
        self.fleet_size = count

    def start_fleet(self, wait=True):
        self._start("fleet", [self.program("dure-fleet"), "run", "--dir", str(self.folder / "fleet"), "--count",
                              str(self.fleet_size), "--endpoint", f"tcp://127.0.0.1:{self.agents_port}", "--bundle",
                              str(self.folder / "keys/agent-bundle.toml")])
        if wait:
            wait_for("all hosts report", self._all_hosts_ready, 120, 0.2)

    def _all_hosts_ready(self):
        states = [h["state"] for h in self.need("GET", "/api/v1/hosts")["items"]]
        return True if states.count("ready") == self.fleet_size else f"{states.count('ready')} of {self.fleet_size}"

    def make_catalog(self):
        self.need("POST", "/api/v1/flavors", {"name": "small", "vcpus": 1, "memory_mib": 1024, "disk_gib": 4})
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=60)
        connection.request("POST", "/api/v1/blobs", b"not really a disk", {"Authorization": f"Bearer {self.token}"})
        blob = json.loads(connection.getresponse().read())
        connection.close()
        self.need("POST", "/api/v1/images", {"name": "image", "disk": blob, "min_disk_gib": 1})
        self.need("POST", "/api/v1/keypairs", {"name": "key", "public_key": SSH_KEY})

    # --- REST

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Authorization": f"Bearer {getattr(self, 'token', '')}", **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def need(self, method, path, body=None, headers=None):
        answer = self.request(method, path, body, headers)
        expect(answer.status < 300, f"{method} {path}: {answer}")
        return answer.body

    def create(self, name, workers, key=None, **more):
        body = {"name": name, "workers": workers, "flavor": "small", "image": "image", "key_pair": "key", **more}
        return self.request("POST", "/api/v1/clusters", body, {"Idempotency-Key": key} if key else None)

    def clusters(self):
        return self.need("GET", "/api/v1/clusters")["items"]

    def psql(self, query):
        done = subprocess.run(["psql", "-X", "-A", "-t", self.database, "-c", query], check=True, capture_output=True, text=True,
                              timeout=60)
        return done.stdout.strip()

    def stop(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        subprocess.run(["psql", "-q", "-X", self.admin_url, "-c", f"DROP DATABASE IF EXISTS {self.database_name} WITH (FORCE)"],
                       check=False, timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)
