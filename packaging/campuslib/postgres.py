"""The campus' own PostgreSQL: files in STATE/postgres, a unix socket in a 0700 directory, no TCP."""

import glob
import os
import pwd
import shutil
import signal
import subprocess
import time

import proc
from state import CampusError

COMPONENT = "postgres"

# A commit of thousands of nodes writes 10 MB of log. There is room for it, and most of it is on the disk before the commit
# asks for that.
LOG_SETTINGS = ["wal_buffers=64MB", "wal_writer_delay=10ms"]


def _binary(name):
    found = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
    if not found:
        raise CampusError("PostgreSQL is not installed (package postgresql); run `campus up` without --no-install")
    return max(found, key=lambda path: int(path.split("/")[4]) if path.split("/")[4].isdigit() else 0)


def _user():
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError as error:
        raise CampusError("there is no user `postgres`; the package postgresql makes it") from error
    return {"uid": entry.pw_uid, "gid": entry.pw_gid}


def _own(path, user, mode=0o700):
    os.makedirs(path, exist_ok=True)
    os.chown(path, user["uid"], user["gid"])
    os.chmod(path, mode)


def initialise(campus, step):
    """Makes the database files; a half-made attempt is thrown away, because only a finished one gets the name."""
    data = campus.path("postgres")
    if os.path.exists(os.path.join(data, "PG_VERSION")):
        return
    user = _user()
    fresh = campus.path("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    _own(fresh, user)
    step.say("initdb")
    step.run([_binary("initdb"), "-D", fresh, "-U", "postgres", "-E", "UTF8",
              "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject", "--data-checksums"],
             cwd="/", user="postgres")
    os.rename(fresh, data)


# Killed hard, it leaves a lock file with its pid until init has reaped it, and children that hold the shared memory
# until they notice that they are alone. PostgreSQL itself says when neither is so any more: it starts.
_NOT_YET = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


def start(campus):
    deadline = time.monotonic() + 15
    while True:
        try:
            return _start(campus)
        except CampusError:
            tail = proc.log_tail(campus, COMPONENT, 3)
            if time.monotonic() > deadline or not any(text in tail for text in _NOT_YET):
                raise
        time.sleep(0.1)


def _start(campus):
    process = proc.find(campus, COMPONENT)
    if process is None:
        user = _user()
        sockets = campus.run_path("postgres")
        _own(sockets, user)
        argv = [_binary("postgres"), "-D", campus.path("postgres"), "-c", f"unix_socket_directories={sockets}",
                "-c", "listen_addresses=", "-c", "fsync=on"]
        argv += [word for setting in LOG_SETTINGS for word in ("-c", setting)]
        process = proc.launch(campus, COMPONENT, argv, user=user)
    proc.wait_until(process, campus, lambda: ready(campus), 60, "answer on its socket")
    return process


def ready(campus):
    done = subprocess.run([_binary("pg_isready"), "-q", "-h", campus.run_path("postgres"), "-U", "postgres", "-d", "postgres"],
                          check=False, cwd="/")
    return done.returncode == 0


def psql(campus, sql, database="dure", user="dure", check=True):
    """One statement; answers the rows as text, one line each."""
    done = subprocess.run(
        [_binary("psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", campus.run_path("postgres"),
         "-U", user, "-d", database, "-c", sql],
        capture_output=True, text=True, check=False, cwd="/", timeout=60,
    )
    if done.returncode != 0:
        if check:
            raise CampusError(f"the database refused: {done.stderr.strip()[-400:]}")
        return None
    return [line for line in done.stdout.splitlines() if line]


def make_database(campus):
    if not psql(campus, "SELECT 1 FROM pg_roles WHERE rolname = 'dure'", "postgres", "postgres"):
        psql(campus, "CREATE ROLE dure LOGIN", "postgres", "postgres")
    if not psql(campus, "SELECT 1 FROM pg_database WHERE datname = 'dure'", "postgres", "postgres"):
        psql(campus, "CREATE DATABASE dure OWNER dure", "postgres", "postgres")


def stop(campus):
    process = proc.find(campus, COMPONENT)
    if process and not process.end((signal.SIGINT, 15), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        raise CampusError(f"PostgreSQL (pid {process.pid}) does not end")
