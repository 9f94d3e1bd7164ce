"""usage: tests/run [--list | SUITE [ARGS...]]

Without SUITE all suites run. ARGS: words select test programs by a part of their name, options go to the programs.
The last line is `N passed, N failed, N skipped`; the exit code is 1 if anything failed.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from runner import install, processes
from runner.context import Context
from runner.suites import SUITES, Suite
from runner.tally import Tally

ROOT = Path(__file__).resolve().parents[3]


def _line(name: str, tally: Tally | str, seconds: float) -> None:
    print(f"{name:12} {tally}  ({seconds:.1f} s)", flush=True)


def _prepare(context: Context, suites: list[Suite]) -> Tally:
    """Installs packages where a suite needs more than Python."""
    if all(suite.name == "lint" for suite in suites) or os.environ.get("DURE_TEST_INSTALL") == "0":
        return Tally()
    begun = time.monotonic()
    lacking = install.ensure(context.root, context.logs / "install.log", any(suite.runtime for suite in suites),
                             any(suite.name == "bench" for suite in suites))
    if lacking:
        print(f"    {lacking}", flush=True)
    if time.monotonic() - begun > 5:
        _line("install", "done" if not lacking else "not complete", time.monotonic() - begun)
    return Tally(failed=1) if lacking and os.geteuid() == 0 else Tally()


def _run(context: Context, suite: Suite, arguments: list[str]) -> Tally:
    begun = time.monotonic()
    if context.seconds_left() <= 0:
        print(f"--- FAILED {suite.name}: not started, no time is left", flush=True)
        tally = Tally(failed=1)
    elif suite.built and context.configure_and_build("dev", context.build, None, 1500):
        tally = Tally(failed=1)
        print(f"    {suite.name}: not run, because the build failed", flush=True)
    else:
        tally = suite.run(context, arguments)
    for reason in tally.reasons:
        print(f"    skipped {reason}")
    _line(suite.name, tally, time.monotonic() - begun)
    return tally


def _main(arguments: list[str]) -> int:
    if arguments[:1] in (["-h"], ["--help"]):
        print((__doc__ or "").rstrip())
        return 0
    if arguments[:1] == ["--list"]:
        for suite in SUITES:
            print(f"{suite.name:12} {suite.meaning}")
        return 0
    chosen = [suite for suite in SUITES if (suite.name == arguments[0] if arguments else suite.by_default)]
    if not chosen:
        print(f"tests/run: no suite named {arguments[0]}; see tests/run --list", file=sys.stderr)
        return 2
    context = Context.make(ROOT)
    begun = time.monotonic()
    total = _prepare(context, chosen)
    try:
        for suite in chosen:
            total.add(_run(context, suite, arguments[1:]))
    except processes.Stopped as signal_name:
        print(f"--- stopped by {signal_name}", flush=True)
        total.failed += 1
    print(f"total time {time.monotonic() - begun:.0f} s, logs in {context.logs}")
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    processes.raise_on_signals()
    sys.exit(_main(sys.argv[1:]))
