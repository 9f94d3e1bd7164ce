"""An error code exists only where somebody reacts to it or makes it."""

from __future__ import annotations

import re

import tree

RULE = "errc"
HEADER = "common/result.h"


def check(root: str) -> list[str]:
    files = tree.of(root)
    header = files.get(HEADER)
    if header is None:
        return []
    block = re.search(r"\benum\s+class\s+Errc\b[^{]*\{([^}]*)\}", header.code)
    if not block:
        return [tree.finding(HEADER, 1, RULE, "has no enum class Errc")]
    used = {name for file in files.product_cpp if not file.path.startswith("common/result.")
            for name in re.findall(r"\bErrc::(\w+)", file.code)}
    return [tree.finding(HEADER, tree.line_of(header.code, block.start(1) + match.start(1)), RULE,
                         f"Errc::{match[1]} is used nowhere: remove it")
            for match in re.finditer(r"(?:^|,)\s*(\w+)", block[1]) if match[1] not in used]
