"""Headers are guarded, and every include is a full path from the root."""

from __future__ import annotations

import re

import tree

RULE = "headers"


def check(root: str) -> list[str]:
    files = tree.of(root)
    generated = {name for file in files.files if file.name == "CMakeLists.txt" or file.path.endswith(".cmake")
                 for name in re.findall(r"[\w.-]+\.h(?:pp)?\b", file.text)}
    found = []
    for file in files.cpp:
        if file.is_header and not re.search(r"^#pragma once$", file.text, re.MULTILINE):
            found.append(tree.finding(file.path, 1, RULE, "a header begins with #pragma once"))
        for line, header, quoted in file.includes:
            if "../" in header or header.startswith("./"):
                found.append(tree.finding(file.path, line, RULE, f'"{header}": write the full path from the root'))
            elif quoted and header not in files.paths and not _is_generated(header, files.paths, generated):
                hint = "write the full path from the root" if "/" not in header else "there is no such file"
                found.append(tree.finding(file.path, line, RULE, f'"{header}": {hint}'))
    return found


def _is_generated(header: str, paths: set[str], named_by_cmake: set[str]) -> bool:
    if "/" not in header:
        return False
    return header.endswith(".pb.h") or f"{header}.in" in paths or header.rsplit("/", 1)[1] in named_by_cmake
