#!/usr/bin/env python3
"""Proves every lint rule with planted breaches: each small tree has one, and its rule reports exactly that one."""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

import rules  # noqa: E402
from breaches import BREACHES, CLEAN, HARMLESS  # noqa: E402


def write(root: Path, files: dict[str, str | None]) -> None:
    for path, text in files.items():
        target = root / path
        if text is None:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def findings(files: dict[str, str | None]) -> dict[str, list[str]]:
    """Rule -> findings, for the clean tree with some files changed."""
    with tempfile.TemporaryDirectory(prefix="dure-lint-") as folder:
        write(Path(folder), CLEAN)
        write(Path(folder), files)
        found = {name: importlib.import_module(f"rules.{name}").check(folder) for name in rules.NAMES}
    return {name: lines for name, lines in found.items() if lines}


def judge(rule: str, files: dict[str, str | None], where: str, what: str) -> str:
    """The reason why the breach was not caught as it should be; empty when it was."""
    found = findings(files)
    lines = found.pop(rule, [])
    if found:
        return f"other rules spoke: {found}"
    if len(lines) != 1:
        return f"{len(lines)} findings instead of one: {lines}"
    if not lines[0].startswith(f"{where}: {rule}: ") or what not in lines[0]:
        return f"expected {where}: {rule}: ...{what}..., got {lines[0]}"
    return ""


def main() -> int:
    passed, failed = 0, []
    for title, files in [("the clean tree", {}), *HARMLESS]:
        found = findings(files)
        passed += not found
        failed += [f"{title}: nothing was to be found, but {found}"] if found else []
    for rule, title, files, where, what in BREACHES:
        reason = judge(rule, files, where, what)
        passed += not reason
        failed += [f"{rule}: {title}: {reason}"] if reason else []
    unproven = set(rules.NAMES) - {breach[0] for breach in BREACHES}
    failed += [f"{rule}: no breach is planted for this rule" for rule in sorted(unproven)]
    for line in failed:
        print(line)
    print(f"{passed} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
