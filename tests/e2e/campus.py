"""Drives packaging/campus and dure as a user would: by their command lines."""

import fcntl
import json
import os
import shlex
import subprocess
import threading
import time
import zlib

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
CAMPUS = os.path.join(ROOT, "packaging", "campus")


def own_name(kind):
    """A campus' name that no other checkout gives to its own: what runs or was left there is not ours."""
    return f"{kind}{zlib.crc32(ROOT.encode()) & 0xffff:04x}"


NAME = own_name("e2e")
STATE = f"/var/lib/dure-campus-{NAME}"


class Failed(Exception):
    """A claim that did not hold; its text says what was seen."""


def expect(condition, what):
    if not condition:
        raise Failed(what)


def run(argv, timeout, check=True, env=None, stdin=None):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, env=env, check=False,
                          stdin=stdin or subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise Failed(f"`{' '.join(argv)}` ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done


class Campus:
    def __init__(self, build_dir, up_options=("--no-kubernetes",), progress=None):
        self.build_dir = build_dir
        self.progress = progress  # where the progress of `up` goes, if not to our output
        self.up_options = up_options
        self.environment = None
        self.lock = None
        self.database = threading.RLock()  # held by who stops it, and by who could not go on without it

    def claim(self, afresh=True):
        """Makes the campus this process' own, until that ends; `afresh` takes away what an earlier run has left of it."""
        self.lock = open(os.path.realpath(__file__), encoding="utf-8")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"campus {NAME} is in use by another run from {ROOT}: wait until that has ended") from None
        if afresh:
            self.campus("down", timeout=300)

    def campus(self, *argv, timeout=120, check=True):
        return run([CAMPUS, "--name", NAME, *argv], timeout, check)

    def up(self, *argv):
        # What takes minutes should be seen.
        image = os.environ.get("DURE_E2E_IMAGE")  # a node-image.json that is there already
        done = subprocess.run([CAMPUS, "--name", NAME, "up", "--no-install", "--no-build", "--build-dir", self.build_dir,
                               *self.up_options, *(["--image", image] if image else []), *argv], timeout=3000, check=False,
                              stdin=subprocess.DEVNULL, stdout=self.progress)
        expect(done.returncode == 0, f"campus up ended with {done.returncode}")
        self.environment = None

    def _environment(self):
        if self.environment is None:
            environment = dict(os.environ)
            for line in self.campus("env").stdout.splitlines():
                text = line.strip().removeprefix("export ")
                key, equals, value = text.partition("=")
                if equals and line.strip().startswith("export "):
                    environment[key] = os.path.expandvars(value.strip("'\""))
            self.environment = environment  # at once: rows of cases share it
        return self.environment

    def dure(self, *argv, timeout=60, check=True):
        program = os.path.join(self.build_dir, "controlnode", "cli", "dure")
        return run([program, *argv], timeout, check, env=self._environment())

    def dure_background(self, *argv):
        """Ends with us at the latest."""
        program = os.path.join(self.build_dir, "controlnode", "cli", "dure")
        return subprocess.Popen(["setpriv", "--pdeathsig", "TERM", program, *argv], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self._environment())

    def json(self, *argv):
        return json.loads(self.dure(*argv, "-o", "json").stdout)

    def nodes(self, cluster):
        return self.json("node", "list", "--cluster", cluster)["items"]

    def ssh(self, node, command, timeout=120, check=True):
        return self.campus("ssh", node, "--", command, timeout=timeout, check=check)

    def ssh_with_input(self, node, argv, text, timeout):
        done = subprocess.run([CAMPUS, "--name", NAME, "ssh", node, "--", shlex.join(argv)], capture_output=True, text=True,
                              timeout=timeout, check=False, input=text)
        if done.returncode != 0:
            raise Failed(f"`{shlex.join(argv)}` on {node} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def ssh_background(self, node, command, stdin=subprocess.DEVNULL):
        return subprocess.Popen([CAMPUS, "--name", NAME, "ssh", node, "--", command], stdin=stdin, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def exec(self, host, *argv, timeout=60, check=True):
        return self.campus("exec", host, "--", *argv, timeout=timeout, check=check)

    def environment_of(self, name):
        return self._environment()[name]

    def psql(self, query):
        url = self._environment()["DURE_CAMPUS_DB"]
        done = run(["psql", "-X", "-A", "-t", "-F", "|", "-c", query, url], 60)
        return [line.split("|") for line in done.stdout.splitlines()]

    def check(self, *argv):
        done = self.campus("check", *argv, check=False)
        expect(done.returncode == 0, f"campus check {' '.join(argv)}:\n{done.stderr}")


def wait_for(what, condition, seconds):
    """Asks until the answer is true; the failure names what was waited for and the last answer."""
    end = time.monotonic() + seconds
    while True:
        try:
            answer = condition()
        except (Failed, subprocess.TimeoutExpired) as failure:
            answer = failure
        if answer is True:
            return
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s; last seen: {answer}")
        time.sleep(0.5)
