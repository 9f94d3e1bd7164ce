"""Source files and their folders are named in snake_case."""

from __future__ import annotations

import re

import tree

RULE = "names"
SNAKE = re.compile(r"^[a-z0-9_]+(?:\.[a-z0-9_]+)*$")
ENDINGS = tree.CPP_ENDINGS + (".c", ".cmake", ".proto", ".py", ".sql")


def check(root: str) -> list[str]:
    found = []
    for file in tree.of(root).files:
        if not file.path.endswith(ENDINGS):
            continue
        for part in file.path.split("/"):
            if not SNAKE.match(part) and not part.startswith("."):
                wanted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", part).replace("-", "_").lower()
                found.append(tree.finding(file.path, 1, RULE, f"{part}: name it {wanted}"))
                break
    return found
