"""The suites of tests/run, in the order in which they run."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runner import postgres, room
from runner.context import Context, print_failure
from runner.tally import Tally, judge_ctest, skipped

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1:check_initialization_order=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "DURE_SIM_SEEDS": "40",  # each takes ten times as long
}
BINARY_SECONDS = 300
EXPLORE_SECONDS = 1800  # five minutes on two quiet cores
SIM_SECONDS = 900  # one program with many seeds; with sanitizers, on a busy machine


def lint(context: Context, arguments: list[str]) -> Tally:
    program = context.root / "tests/lint/lint"
    listed = context.run("lint/list", [sys.executable, "-B", str(program), "--list"], 60)
    rules = [line.split()[0] for line in listed.output.splitlines() if line.strip()] if listed.code == 0 else []
    if not rules:
        print_failure("lint: --list", [str(program)], listed)
        return Tally(failed=1)
    total = Tally()
    for rule in [each for each in rules if not arguments or each in arguments]:
        total.add(context.test(f"lint/{rule}", [sys.executable, "-B", str(program), "--rule", rule], 60))
    proofs = {"selftest": program.parent / "selftest.py", "runner": context.root / "tests/support/runner/selftest.py"}
    for name, proof in proofs.items():
        if not arguments or name in arguments:
            total.add(context.test(f"lint/{name}", [sys.executable, "-B", str(proof)], 60))
    return total


def build(context: Context, _arguments: list[str]) -> Tally:
    failed = context.configure_and_build("dev", context.build, None, 1500)
    if failed:
        return Tally(passed=int(failed == "compile"), failed=1)
    total = Tally(passed=2)
    total.add(context.test("build/headers", ["cmake", "--build", str(context.build), "--target",
                                             "all_verify_interface_header_sets", "--", "-k", "0"], 600))
    argv = ["ctest", "--test-dir", str(context.build), "-R", "^link_", "--output-on-failure", "--timeout", "60",
            "-j", str(os.cpu_count() or 1)]
    done = context.run("build/link", argv, 300)
    linked = judge_ctest(done.code, done.output)
    if linked.failed:
        print_failure("build: link tests", argv, done)
    total.add(linked)
    return total


def _executables(folder: Path, ending: str = "") -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.name.endswith(ending) and path.is_file()
                  and not path.is_symlink() and os.access(path, os.X_OK) and path.suffix in ("", ".py", ".sh")
                  and "CMakeFiles" not in path.parts and not path.name.startswith("link_"))


def _select(found: list[Path], arguments: list[str]) -> tuple[list[Path], list[str]]:
    """Words name programs by a part of their name; options go to the programs."""
    words = [word.replace("-", "_") for word in arguments if not word.startswith("-")]
    options = [word for word in arguments if word.startswith("-")]
    chosen = [path for path in found if not words or any(word in path.name.replace("-", "_") for word in words)]
    return chosen, options


def _none_found(context: Context, suite: str, arguments: list[str]) -> Tally:
    """No program at all: fine only where the suite has no source either."""
    sources = [path for ending in ("*.cpp", "*.py", "*.sh") for path in (context.root / "tests" / suite).rglob(ending)]
    if arguments or sources:
        named = f" named like {' '.join(arguments)}" if arguments else ""
        print(f"--- FAILED {suite}: no test program{named} was built", flush=True)
        return Tally(failed=1)
    return skipped(suite, f"there is nothing in tests/{suite}")


def _options(path: Path, options: list[str]) -> list[str]:
    """Compiled test programs are doctest's; scripts take what was given."""
    with path.open("rb") as stream:
        compiled = stream.read(4) == b"\x7fELF"
    return ["--no-colors=true", "--reporters=console", *options] if compiled else options


def _run_all(context: Context, suite: str, found: list[Path], arguments: list[str], env: dict[str, str],
             in_room: bool = False, seconds: int = BINARY_SECONDS) -> Tally:
    chosen, options = _select(found, arguments)
    if not chosen:
        return _none_found(context, suite, arguments)
    total = Tally()
    for path in chosen:
        argv = [str(path), *_options(path, options)]
        total.add(context.test(f"{suite}/{path.stem}", room.wrap(argv) if in_room else argv, seconds, env))
    return total


@contextlib.contextmanager
def _database(context: Context, suite: str, durable: bool = False) -> Iterator[dict[str, str]]:
    """DURE_TEST_PG for the tests; without PostgreSQL they skip themselves and say so."""
    try:
        server = postgres.private_server(context.logs / suite / "postgres.log", durable)
        where = server.__enter__()
    except postgres.Unavailable as missing:
        print(f"    {suite}: {missing}", flush=True)
        yield {}
        return
    try:
        yield {"DURE_TEST_PG": where}
    finally:
        server.__exit__(None, None, None)


def unit(context: Context, arguments: list[str], folder: Path | None = None, env: dict[str, str] | None = None) -> Tally:
    found = _executables((folder or context.build) / "tests/unit", "_unit")
    if folder is None:
        found += _executables(context.root / "tests/unit", "_unit")  # of what is not compiled
    return _run_all(context, "unit", found, arguments, env or {})


def contract(context: Context, arguments: list[str], folder: Path | None = None,
             env: dict[str, str] | None = None) -> Tally:
    found = _executables((folder or context.build) / "tests/contract")
    no_room = room.missing()
    if no_room:
        print(f"    contract: no private network and libvirt: {no_room}", flush=True)
    with _database(context, "contract") as database:
        return _run_all(context, "contract", found, arguments, {**database, **(env or {})}, in_room=not no_room)


def sim(context: Context, arguments: list[str], folder: Path | None = None, env: dict[str, str] | None = None) -> Tally:
    return _run_all(context, "sim", _executables((folder or context.build) / "tests/sim"), arguments, env or {},
                    seconds=SIM_SECONDS)


def explore(context: Context, arguments: list[str]) -> Tally:
    program = context.build / "tests/explore/explore"
    if not program.exists():
        return _none_found(context, "explore", arguments)
    return context.test("explore/explore", [str(program), *arguments], EXPLORE_SECONDS, show=True)


def integration(context: Context, arguments: list[str]) -> Tally:
    scripts = [path for path in (context.root / "tests/integration").glob("*") if path.is_file() and os.access(path, os.X_OK)]
    found = _executables(context.build / "tests/integration") + sorted(scripts)
    with _database(context, "integration") as database:
        env = {**database, "DURE_BUILD_DIR": str(context.build), "DURE_ROOT": str(context.root)}
        return _run_all(context, "integration", found, arguments, env)


def e2e(context: Context, arguments: list[str]) -> Tally:
    program, campus = context.root / "tests/e2e/run", context.root / "packaging/campus"
    for needed in (program, campus):
        if not needed.exists():
            return skipped("e2e", f"{needed.relative_to(context.root)} is missing")
    if os.geteuid() != 0:
        return skipped("e2e", "root is needed to make hosts")
    # On the programs that `packaging/campus up` builds for its users: another compiler, optimised.
    folder = context.sibling("release")
    if context.configure_and_build("release", folder, None, 1500):
        return Tally(failed=1)
    total = Tally(passed=1)
    total.add(context.test("e2e/run", [str(program), *arguments], 2100, {"DURE_BUILD_DIR": str(folder)}, grace=90))
    return total


def kubernetes(context: Context, arguments: list[str]) -> Tally:
    if not os.environ.get("DURE_KUBERNETES_DIR"):
        return skipped("kubernetes", "no Kubernetes here; DURE_KUBERNETES_DIR=DIR names its binaries and images "
                                     "(packaging/image/README.md)")
    if os.geteuid() != 0:
        return skipped("kubernetes", "root is needed to make hosts")
    folder = context.sibling("release")
    if context.configure_and_build("release", folder, None, 1500):
        return Tally(failed=1)
    return context.test("e2e/kubernetes", [str(context.root / "tests/e2e/kubernetes"), *arguments], 7200,
                        {"DURE_BUILD_DIR": str(folder)}, grace=90)


def asan(context: Context, arguments: list[str]) -> Tally:
    folder = context.sibling("asan")
    failed = context.configure_and_build("asan", folder, "sanitized", 1500)
    if failed:
        return Tally(failed=1)
    total = Tally()
    saved, context.build = context.build, folder
    try:
        for suite in (unit, contract, sim):
            if not _executables(folder / "tests" / suite.__name__):
                total.add(skipped(f"asan {suite.__name__}", "no program of it is in the target sanitized"))
            elif not arguments or _select(_executables(folder / "tests" / suite.__name__), arguments)[0]:
                total.add(suite(context, arguments, folder, SANITIZERS))
    finally:
        context.build = saved
    return total if total.passed or total.failed else Tally(failed=1, reasons=total.reasons)


# Benchmarks that make a campus: they are not put into a room, because they make hosts themselves.
_CAMPUS_BENCHES = {"cluster_ready": 7200}


def bench(context: Context, arguments: list[str]) -> Tally:
    """Optimised programs, a database that flushes, and the output on the terminal: it is the result."""
    folder = context.sibling("bench")
    lists = context.root / "tests/bench/CMakeLists.txt"
    target = "benchmarks" if lists.exists() and "add_custom_target(benchmarks" in lists.read_text() else None
    if lists.exists() and context.configure_and_build("release", folder, target, 1800, ("-DBUILD_TESTING=ON",)):
        return Tally(failed=1)
    scripts = [path for path in (context.root / "tests/bench").glob("*") if path.is_file() and os.access(path, os.X_OK)]
    chosen, options = _select(_executables(folder / "tests/bench") + sorted(scripts), arguments)
    if not chosen:
        return _none_found(context, "bench", arguments)
    total = Tally()
    with _database(context, "bench", durable=True) as database:
        env = {**database, "DURE_BUILD_DIR": str(folder), "DURE_ROOT": str(context.root)}
        for path in chosen:
            print(f"--- {path.name}", flush=True)
            argv = [str(path), *options]
            if path.stem in _CAMPUS_BENCHES:
                total.add(context.test(f"bench/{path.stem}", argv, _CAMPUS_BENCHES[path.stem], env, show=True, grace=90))
                continue
            total.add(context.test(f"bench/{path.stem}", argv if room.missing() else room.wrap(argv), 1200, env, show=True))
    return total


@dataclass(frozen=True)
class Suite:
    name: str
    meaning: str
    run: Callable[[Context, list[str]], Tally]
    built: bool = True     # runs what the dev build has made; others make what they need themselves
    runtime: bool = False  # needs what the programs need when they run: PostgreSQL, libvirt, ...
    by_default: bool = True


SUITES = (
    Suite("lint", "the rules of tests/lint, and their proof by planted breaches", lint, built=False),
    Suite("build", "configure and compile preset dev; headers compile alone; rooms link alone", build, built=False),
    Suite("unit", "one doctest program per room", unit),
    Suite("contract", "each port's contract on its fake and on the real thing", contract, runtime=True),
    Suite("sim", "the whole system in one process, from seeds", sim),
    Suite("explore", "all that can come on small campuses, walked to the end", explore),
    Suite("integration", "real programs together, without guests", integration, runtime=True),
    Suite("e2e", "a campus of hosts on this machine, with guests", e2e, built=False, runtime=True),
    Suite("kubernetes", "the same with Kubernetes in the guests, given by DURE_KUBERNETES_DIR", kubernetes, built=False, runtime=True),
    Suite("asan", "unit, contract and sim under address and undefined-behaviour sanitizers", asan, built=False, runtime=True),
    Suite("bench", "benchmarks, release build; not part of the default run", bench, built=False, runtime=True, by_default=False),
)
