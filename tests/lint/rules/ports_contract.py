"""Every port has one contract that its fake and its real implementation both pass."""

from __future__ import annotations

import re

import tree

RULE = "ports_contract"
PORT = re.compile(r"^(?:controlnode|hostagent)/ports/(?:.*/)?(\w+)\.h$")
IMPLEMENTATIONS = 2


def check(root: str) -> list[str]:
    files = tree.of(root)
    tests = [file for file in files.cpp if file.path.startswith("tests/")]
    contracts = {file.name: file.path for file in tests if file.path.startswith("tests/contract/")}
    found = []
    for file in files.files:
        match = PORT.match(file.path)
        if not match or not any(re.search(r"\bvirtual\b[^;]*=\s*0\s*;", body.body) for body in file.scan.classes):
            continue  # a header of plain values has no behaviour to agree on
        wanted = f"{match[1]}_contract.h"
        if wanted not in contracts:
            found.append(tree.finding(file.path, 1, RULE, f"has no tests/contract/{wanted}"))
            continue
        users = [test.path for test in tests if any(header == contracts[wanted] for _, header, _ in test.includes)]
        if len(users) < IMPLEMENTATIONS:
            found.append(tree.finding(contracts[wanted], 1, RULE,
                                      f"is included by {len(users)} test files; a fake and a real one must pass it"))
    return found
