"""Migrations are numbered without gaps, and what destroys data says why."""

from __future__ import annotations

import re

import tree

RULE = "sql"
NAME = re.compile(r"^sql/(\d{4})_[a-z0-9]+(?:_[a-z0-9]+)*\.sql$")
DESTROYS = re.compile(r"\b(DROP|TRUNCATE)\b", re.IGNORECASE)


def check(root: str) -> list[str]:
    found = []
    numbers: dict[int, str] = {}
    for file in tree.of(root).files:
        if not (file.path.startswith("sql/") and file.path.endswith(".sql")):
            continue
        match = NAME.match(file.path)
        if not match:
            found.append(tree.finding(file.path, 1, RULE, "a migration is named sql/NNNN_what_it_does.sql"))
            continue
        number = int(match[1])
        if number in numbers:
            found.append(tree.finding(file.path, 1, RULE, f"number {match[1]} is taken by {numbers[number]}"))
        numbers.setdefault(number, file.path)
        found += _check_statements(file)
    return found + _check_gaps(numbers)


def _check_gaps(numbers: dict[int, str]) -> list[str]:
    found = []
    for expected, number in enumerate(sorted(numbers), start=1):
        if number != expected:
            found.append(tree.finding(numbers[number], 1, RULE,
                                      f"number {number:04d} follows {expected - 1:04d}: a gap in the migrations"))
            break
    return found


def _check_statements(file: tree.SourceFile) -> list[str]:
    """The reason stands on the same line or on the line above."""
    found = []
    for index, line in enumerate(file.lines):
        statement, dash, _ = line.partition("--")
        match = DESTROYS.search(re.sub(r"'[^']*'", "''", statement))
        explained = dash or (index > 0 and file.lines[index - 1].lstrip().startswith("--"))
        if match and not explained:
            found.append(tree.finding(file.path, index + 1, RULE,
                                      f"{match[1].upper()} without a comment that says why nothing is lost"))
    return found
