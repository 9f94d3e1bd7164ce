"""Every room explains itself in a README.md, every edge is named in its program's, and no link in a document leads nowhere."""

from __future__ import annotations

import os
import posixpath
import re
from urllib.parse import unquote

import tree

RULE = "docs"
ROOM = re.compile(
    r"^(?:(?:common|sql|packaging|tests|protocol/(?:messages|wire)|(?:controlnode|hostagent)/(?:core|ports|app|cli|web))(?=/)"
    r"|(?:controlnode|hostagent)/edges/[^/]+(?=/))")
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]\n]+\]:\s*(\S+)", re.MULTILINE)


def check(root: str) -> list[str]:
    files = tree.of(root)
    found = []
    rooms = {match[0] for file in files.files if (match := ROOM.match(file.path)) and file.name != "CMakeLists.txt"}
    for room in sorted(rooms):
        if f"{room}/README.md" not in files.paths:
            found.append(tree.finding(f"{room}/README.md", 1, RULE,
                                      "is missing: purpose, words, what it may include, how data flows"))
        elif "/edges/" in room:
            found += _check_named(files, room)
    if files.paths and "README.md" not in files.paths:
        found.append(tree.finding("README.md", 1, RULE, "is missing"))
    for file in files.files:
        if file.path.endswith(".md"):
            found += _check_links(root, file)
    return found


def _check_named(files: tree.Tree, room: str) -> list[str]:
    """Who looks for where something is done finds it in the program's table of rooms."""
    program, edge = room.split("/", 1)
    table = f"{program}/README.md"
    text = "".join(file.text for file in files.files if file.path == table)
    if re.search(rf"\]\({re.escape(edge)}(?:/README\.md)?\)", text):
        return []
    return [tree.finding(table, 1, RULE, f"does not name {edge}")]


def _check_links(root: str, file: tree.SourceFile) -> list[str]:
    text = CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), file.text)
    found = []
    for match in LINK.finditer(text):
        target = unquote((match[1] or match[2]).split("#")[0])
        if not target or re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path = posixpath.normpath(posixpath.join(file.directory, target))
        if target.startswith("/") or path.startswith("..") or not os.path.exists(os.path.join(root, path)):
            found.append(tree.finding(file.path, tree.line_of(text, match.start()), RULE, f"link to {target} leads nowhere"))
    return found
