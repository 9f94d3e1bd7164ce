"""Child processes that always end: with their time limit, with this program, and with everything they started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

GRACE_SECONDS = 15


class Stopped(Exception):
    """This program was told to end; raised wherever it is, so that every `finally` on the way runs."""


def raise_on_signals() -> None:
    def stop(number: int, _frame: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)  # the clean-up is not interrupted
        raise Stopped(signal.Signals(number).name)

    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, stop)


@dataclass(frozen=True)
class Outcome:
    code: int
    output: str
    seconds: float
    timed_out: bool


def _signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
        return True
    except (ProcessLookupError, PermissionError):
        return False


def stop_group(process: subprocess.Popen, first: int = signal.SIGTERM, grace: float = GRACE_SECONDS) -> None:
    """Ends a process that leads its own group, and all that is left of the group."""
    if process.poll() is None:
        _signal_group(process.pid, first)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def run(argv: list[str], *, limit: float, log: Path | None, cwd: Path, env: dict[str, str] | None = None,
        grace: float = GRACE_SECONDS) -> Outcome:
    """Runs argv without a stdin. Output goes to the file `log`, or to the terminal if there is none.

    A file and no pipe: what a test leaves running in the background cannot hold this program up.
    """
    begun = time.monotonic()
    if limit <= 0:
        return Outcome(124, "not started: no time is left\n", 0.0, True)
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
    stream = log.open("wb") if log is not None else None
    timed_out = False
    try:
        process = subprocess.Popen(argv, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                   stdout=stream, stderr=subprocess.STDOUT if stream else None, start_new_session=True)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            timed_out, code = True, 124
        finally:
            stop_group(process, grace=grace)
    except OSError as error:
        return Outcome(127, f"cannot start {argv[0]}: {error}\n", time.monotonic() - begun, False)
    finally:
        if stream:
            stream.close()
    output = log.read_text(encoding="utf-8", errors="replace") if log is not None else ""
    if timed_out:
        output += f"\nended after its time limit of {limit:.0f} s\n"
    return Outcome(code, output, time.monotonic() - begun, timed_out)
