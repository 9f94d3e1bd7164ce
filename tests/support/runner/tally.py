"""Counting: what a test program said, as numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SKIP_CODE = 77  # by convention of automake: the test could not run here
DOCTEST = re.compile(r"^\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped", re.M)
OWN = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped\s*$", re.M)
CTEST = re.compile(r"^\d+% tests passed, (\d+) tests? failed out of (\d+)", re.M)


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: list[str] = field(default_factory=list)  # why something was skipped

    def add(self, other: Tally) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.reasons += other.reasons

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def skipped(name: str, reason: str) -> Tally:
    return Tally(skipped=1, reasons=[f"{name}: {reason}"])


def judge(name: str, code: int, output: str) -> Tally:
    """The counts of one test program, from its exit code and what it printed."""
    if code == SKIP_CODE:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        told = [line for line in lines if re.match(r"(?i)skip", line)] or lines
        return skipped(name, re.sub(r"(?i)^skip(?:ped|ping)?\s*[:,]?\s*", "", told[-1]) if told else "no reason given")
    found = DOCTEST.findall(output)
    if found:
        ran, passed, failed, left_out = (int(number) for number in found[-1])
        if ran == 0 and code == 0:
            return Tally(failed=1)  # a program without a case tests nothing
        # A crash or a leak report after the last case must not hide behind the cases that passed.
        broken = 1 if code != 0 and failed == 0 else 0
        return Tally(passed, failed + broken, left_out, [f"{name}: {left_out} cases left out"] if left_out else [])
    found = OWN.findall(output)
    if found:
        passed, failed, left_out = (int(number) for number in found[-1])
        broken = 1 if code != 0 and failed == 0 else 0
        why = [f"{name}: {line.strip()}" for line in output.splitlines() if re.match(r"(?i)\s*skip", line)]
        return Tally(passed, failed + broken, left_out, (why or [f"{name}: {left_out} not run"]) if left_out else [])
    return Tally(passed=1) if code == 0 else Tally(failed=1)


def judge_ctest(code: int, output: str) -> Tally:
    found = CTEST.findall(output)
    if not found or int(found[-1][1]) == 0:
        return Tally(failed=1)
    failed, ran = int(found[-1][0]), int(found[-1][1])
    return Tally(ran - failed, failed if failed or code == 0 else 1)
