"""What all suites share: the folders, the clock, and the build that they test."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from runner import processes
from runner.tally import Tally, judge

TOTAL_MINUTES = 80.0  # half an hour on two quiet cores; shared ones have taken 54 minutes without anything being wrong


def _folder(root: Path) -> Path:
    return Path(os.path.abspath(root / os.environ.get("DURE_BUILD_DIR", "build/dev")))


@dataclass
class Context:
    root: Path
    deadline: float
    build: Path
    _built: dict[Path, str] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path) -> Context:
        minutes = float(os.environ.get("DURE_TEST_MINUTES", TOTAL_MINUTES))
        return cls(root, time.monotonic() + 60 * minutes, _folder(root))

    @property
    def logs(self) -> Path:
        return self.build / "test-logs"

    def sibling(self, preset: str) -> Path:
        """build/asan beside build/dev."""
        return self.build.parent / (preset if self.build.name == "dev" else f"{self.build.name}-{preset}")

    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    def run(self, name: str, argv: list[str], limit: float, env: dict[str, str] | None = None, show: bool = False,
            **more: float) -> processes.Outcome:
        """Runs one step. Its output goes to the suite's log, or to the terminal with `show`."""
        log = None if show else self.logs / f"{name}.log"
        return processes.run(argv, limit=min(limit, self.seconds_left()), log=log, cwd=self.root, env=env, **more)

    def test(self, name: str, argv: list[str], limit: float, env: dict[str, str] | None = None, show: bool = False,
             **more: float) -> Tally:
        """Runs one test program and counts; the output of one that fails is shown in full."""
        done = self.run(name, argv, limit, env, show, **more)
        tally = Tally(failed=1) if done.timed_out else judge(os.path.basename(name), done.code, done.output)
        if tally.failed:
            print_failure(name, argv, done)
        return tally

    def configure_and_build(self, preset: str, folder: Path, target: str | None, limit: float,
                            settings: tuple[str, ...] = ()) -> str:
        """Once per folder; returns the name of the step that failed, or nothing."""
        if folder not in self._built:
            self._built[folder] = self._configure_and_build(preset, folder, target, limit, settings)
        return self._built[folder]

    def _configure_and_build(self, preset: str, folder: Path, target: str | None, limit: float,
                             settings: tuple[str, ...]) -> str:
        steps = [("configure", ["cmake", "--preset", preset, "-S", str(self.root), "-B", str(folder), *settings]),
                 ("compile", ["cmake", "--build", str(folder), *(["--target", target] if target else []), "--", "-k", "0"])]
        for step, argv in steps:
            done = self.run(f"build/{preset}-{step}", argv, limit)
            if done.code != 0:
                print_failure(f"build: {preset}: {step}", argv, done)
                return step
        return ""


def print_failure(name: str, argv: list[str], done: processes.Outcome) -> None:
    print(f"--- FAILED {name}: exit {done.code} after {done.seconds:.1f} s: {' '.join(argv)}")
    print(done.output.rstrip("\n"))
    print(f"--- end of {name}", flush=True)
