"""A private PostgreSQL: its own directory, a unix socket and no port, gone when the block ends."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from runner.processes import stop_group

START_SECONDS = 60
DATABASE = "dure_test"


class Unavailable(Exception):
    """There is no PostgreSQL to start here; says what is missing."""


def _binaries() -> Path:
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise Unavailable("PostgreSQL is not installed (no initdb)")
    return max(found, key=lambda path: [int(part) if part.isdigit() else 0 for part in path.parent.name.split(".")])


def _account() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise Unavailable("there is no user postgres") from None


def _as_user(account: str | None, argv: list[str]) -> list[str]:
    # The server ends with this program even if that is killed.
    prefix = ["setpriv", "--pdeathsig", "INT"]
    if account:
        prefix += ["--reuid", account, "--regid", account, "--init-groups"]
    return [*prefix, "--", *argv] if account or shutil.which("setpriv") else argv


@contextlib.contextmanager
def private_server(log: Path, durable: bool = False) -> Iterator[str]:
    """Yields the connection string. Without `durable` nothing is flushed to disk, which is faster."""
    binaries, account = _binaries(), _account()
    folder = Path(tempfile.mkdtemp(prefix="dure-pg-"))
    log.parent.mkdir(parents=True, exist_ok=True)
    process = None
    try:
        if account:
            shutil.chown(folder, account, account)
        user = account or pwd.getpwuid(os.geteuid()).pw_name
        quiet = {"stdin": subprocess.DEVNULL, "cwd": folder, "timeout": START_SECONDS}
        with log.open("wb") as stream:
            made = subprocess.run(
                _as_user(account, [str(binaries / "initdb"), "-D", str(folder / "data"), "-U", user, "--auth=trust",
                                   "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]),
                stdout=stream, stderr=subprocess.STDOUT, check=False, **quiet)
            if made.returncode != 0:
                raise RuntimeError(f"initdb failed, see {log}")
            settings = ["listen_addresses=", f"unix_socket_directories={folder}", "max_connections=100"]
            # Durable: as packaging/campuslib/postgres.py has it.
            settings += (["wal_buffers=64MB", "wal_writer_delay=10ms"] if durable
                         else ["fsync=off", "synchronous_commit=off", "full_page_writes=off"])
            argv = [str(binaries / "postgres"), "-D", str(folder / "data")]
            for setting in settings:
                argv += ["-c", setting]
            process = subprocess.Popen(_as_user(account, argv), stdin=subprocess.DEVNULL, stdout=stream,
                                       stderr=subprocess.STDOUT, cwd=folder, start_new_session=True)
        _wait_until_ready(process, binaries, folder, log)
        subprocess.run([str(binaries / "createdb"), "-h", str(folder), "-U", user, DATABASE], check=True, **quiet)
        yield f"host={folder} dbname={DATABASE} user={user}"
    finally:
        if process is not None:
            stop_group(process, first=signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(process: subprocess.Popen, binaries: Path, folder: Path, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        asked = subprocess.run([str(binaries / "pg_isready"), "-q", "-h", str(folder), "-t", "2"],
                               stdin=subprocess.DEVNULL, check=False)
        if asked.returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start, see {log}")
