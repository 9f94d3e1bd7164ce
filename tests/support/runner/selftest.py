#!/usr/bin/env python3
"""Proves that the runner counts right, ends what hangs, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
SUPPORT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SUPPORT))

from runner import processes, tally  # noqa: E402

DOCTEST = "[doctest] test cases:  {} |  {} passed | {} failed | {} skipped\n[doctest] assertions: 9 | 9 passed | 0 failed |\n"

# exit code, output, expected (passed, failed, skipped)
COUNTS = (
    (0, DOCTEST.format(12, 12, 0, 0), (12, 0, 0)),
    (1, DOCTEST.format(12, 10, 2, 0), (10, 2, 0)),
    (0, DOCTEST.format(3, 3, 0, 4), (3, 0, 4)),
    (1, DOCTEST.format(12, 12, 0, 0) + "LeakSanitizer: detected memory leaks\n", (12, 1, 0)),
    (0, DOCTEST.format(0, 0, 0, 0), (0, 1, 0)),
    (-11, "no summary, it crashed\n", (0, 1, 0)),
    (0, "a script that is content\n", (1, 0, 0)),
    (3, "a script that is not\n", (0, 1, 0)),
    (77, "looking around\nskipped: no libvirt here\n", (0, 0, 1)),
    (0, "details\n5 passed, 0 failed, 1 skipped\n", (5, 0, 1)),
    (1, "5 passed, 2 failed, 0 skipped\n", (5, 2, 0)),
    (1, "5 passed, 0 failed, 0 skipped\n", (5, 1, 0)),
)


def counts() -> list[str]:
    wrong = []
    for code, output, expected in COUNTS:
        got = tally.judge("program", code, output)
        if (got.passed, got.failed, got.skipped) != expected:
            wrong.append(f"exit {code} of {output!r}: {got}, expected {expected}")
    return wrong


def reasons() -> list[str]:
    got = tally.judge("program", 77, "looking around\nskipped: no libvirt here\n").reasons
    return [] if got == ["program: no libvirt here"] else [f"the reason of a skip was lost: {got}"]


def ctest() -> list[str]:
    rows = ((0, "100% tests passed, 0 tests failed out of 7\n", (7, 0)), (8, "86% tests passed, 1 tests failed out of 7\n", (6, 1)),
            (0, "No tests were found!!!\n", (0, 1)))
    got = [(code, text, tally.judge_ctest(code, text)) for code, text, _ in rows]
    return [f"{text!r}: {g}" for (code, text, g), (_, _, want) in zip(got, rows) if (g.passed, g.failed) != want]


def _gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def time_limit() -> list[str]:
    """A program that ignores SIGTERM, and its child in the background, both end."""
    with tempfile.TemporaryDirectory(prefix="dure-runner-") as folder:
        script = "trap '' TERM; sleep 300 & echo $!; while :; do sleep 300; done"
        done = processes.run(["bash", "-c", script], limit=0.5, log=Path(folder) / "log", cwd=Path(folder), grace=0.5)
        child = int(done.output.split()[0])
        wrong = [] if done.timed_out and done.code == 124 else [f"a hanging program was not ended: {done}"]
        return wrong + ([] if _gone(child) else ["its child lives on"])


def left_behind() -> list[str]:
    """A program that ends but leaves a child: it neither holds the runner up nor stays."""
    with tempfile.TemporaryDirectory(prefix="dure-runner-") as folder:
        done = processes.run(["bash", "-c", "sleep 300 & echo $!"], limit=20, log=Path(folder) / "log", cwd=Path(folder))
        wrong = [] if done.code == 0 and done.seconds < 10 else [f"held up by a child: {done}"]
        return wrong + ([] if _gone(int(done.output.split()[0])) else ["a child was left behind"])


def stopped() -> list[str]:
    """SIGTERM to the runner ends the test that runs."""
    code = ("import sys; from pathlib import Path; from runner import processes\n"
            "processes.raise_on_signals()\n"
            "try:\n  processes.run(['bash','-c','echo $$; sleep 300'], limit=200, log=Path(sys.argv[1]), cwd=Path('/'))\n"
            "except processes.Stopped as signal:\n  print('stopped', signal)\n")
    with tempfile.TemporaryDirectory(prefix="dure-runner-") as folder:
        log = Path(folder) / "log"
        runner = subprocess.Popen([sys.executable, "-B", "-c", code, str(log)], stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "PYTHONPATH": str(SUPPORT)})
        end = time.monotonic() + 10
        while time.monotonic() < end and not (log.exists() and log.read_text().strip()):
            time.sleep(0.02)
        runner.send_signal(signal.SIGTERM)
        said = runner.communicate(timeout=20)[0]
        wrong = [] if "stopped SIGTERM" in said else [f"the runner said {said!r}"]
        return wrong + ([] if _gone(int(log.read_text().split()[0])) else ["the test lives on after the runner"])


def main() -> int:
    failed = 0
    checks = (counts, reasons, ctest, time_limit, left_behind, stopped)
    for check in checks:
        wrong = check()
        failed += bool(wrong)
        for line in wrong:
            print(f"{check.__name__}: {line}")
    print(f"{len(checks) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
