"""Who may include whom (the table of the README), core purity, and one home per library."""

from __future__ import annotations

import re
from collections import defaultdict

import tree
from rules import libraries

RULE = "layers"
PROGRAMS = ("controlnode", "hostagent")
MAIN_LINES = 120
BEAST_FILES = 3

# room -> the rooms it may include, itself aside. P stands for the program's own folder.
ALLOWED = {
    "common": (),
    "protocol/messages": ("common",),
    "protocol/wire": ("protocol/messages", "common"),
    "P/core": ("protocol/messages", "common"),
    "P/ports": ("P/core", "protocol/messages", "common"),
    "P/app": ("P/core", "P/ports", "protocol/messages", "protocol/wire", "common"),
    "P/edges": ("P/ports", "P/core", "protocol/messages", "protocol/wire", "common"),
    "P/cli": ("common",),
    "P/web": (),
    "P": ("P/core", "P/ports", "P/app", "P/edges", "protocol/messages", "protocol/wire", "common"),
}
# Third-party libraries that a room may use. Rooms that are not named here are not limited.
LIBRARIES = {
    "protocol/messages": set(),
    "protocol/wire": {"openssl", "protobuf"},
    "P/core": set(),
    "P/ports": set(),
    "P/app": set(),
}
# library -> the only places that may include it.
HOMES = (
    ("spdlog", "common/log.cpp", re.compile(r"^common/log\.cpp$")),
    ("zmq", "edges/zmq (and tests of it)",
     re.compile(r"^(controlnode|hostagent)/edges/zmq/|^tests/bench/|^tests/(.*/)?[^/]*zmq")),
    ("pqxx", "edges/postgres (and tests of it)",
     re.compile(r"^controlnode/edges/postgres/|^tests/(.*/)?[^/]*postgres")),
    ("libpq", "edges/postgres (and tests of it)",
     re.compile(r"^controlnode/edges/postgres/|^tests/(.*/)?[^/]*postgres")),
)
GENERATED_HOME = re.compile(r"^(tests/unit/)?protocol/wire/codec[^/]*\.cpp$")
# Headers of common that a core room may not see, because they reach the outside.
IMPURE_COMMON = {"common/config.h", "common/files.h", "common/log.h", "common/ports.h"}
IMPURE_WORDS = re.compile(r"\b(?:system|steady|high_resolution|utc|tai|gps|file)_clock\b|\bgetenv\s*\(|\brand\s*\("
                          r"|\b(?:fopen|printf|fprintf|abort_handler)\s*\(|\bstd::(?:cout|cerr|clog|cin)\b")


def check(root: str) -> list[str]:
    files = tree.of(root)
    found: list[str] = []
    edge_libraries: dict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
    beast: list[tuple[str, int]] = []
    for file in files.cpp:
        room = _room(file.path)
        for line, header, quoted in file.includes:
            found += _check_home(file.path, line, header)
            if quoted and room:
                found += _check_room(file.path, line, room, header)
            elif not quoted:
                found += _check_library(file.path, line, room, header)
                _note_edge_library(edge_libraries, file.path, line, header)
            if header.startswith("boost/beast"):
                beast.append((file.path, line))
        found += _check_content(file, room)
    return sorted(found + _check_edges(edge_libraries) + _check_beast(beast))


def _room(path: str) -> str | None:
    """The room of a file: common, protocol/wire, controlnode/core, hostagent/edges/zmq, controlnode (main.cpp)."""
    parts = path.split("/")[:-1]
    if not parts or parts[0] == "tests":
        return None
    if parts[0] in PROGRAMS:
        return "/".join(parts[:3] if parts[1:2] == ["edges"] else parts[:2])
    return "/".join(parts[:2]) if parts[0] == "protocol" else parts[0]


def _generic(room: str) -> str:
    """controlnode/edges/zmq -> P/edges, as the tables name it."""
    parts = room.split("/")
    return "/".join(["P", *parts[1:2]]) if parts[0] in PROGRAMS else room


def _check_room(path: str, line: int, room: str, header: str) -> list[str]:
    target = _room(header)
    if target is None:
        if header.startswith("tests/"):
            return [tree.finding(path, line, RULE, f'product code includes "{header}" of the tests')]
        return []
    if header.startswith("."):  # rule "headers" speaks of it
        return []
    if target == room or header.endswith(".pb.h"):
        return []
    program, other = room.split("/")[0], target.split("/")[0]
    if {program, other} == set(PROGRAMS):
        return [tree.finding(path, line, RULE, f'{room} includes "{header}" of {other}, a different program')]
    allowed = ALLOWED.get(_generic(room))
    if allowed is None:
        return [tree.finding(path, line, RULE, f"{room} is not a room of the include table")]
    if _generic(target) not in allowed:
        return [tree.finding(path, line, RULE, f'{room} may not include "{header}" of {target}')]
    if _generic(room) == "P/core" and header in IMPURE_COMMON:
        return [tree.finding(path, line, RULE, f'a core room is pure: no "{header}"')]
    return []


def _check_library(path: str, line: int, room: str | None, header: str) -> list[str]:
    if room is None:
        return []
    generic = _generic(room)
    library = libraries.family(header)
    if generic == "P/core" and header not in libraries.PURE_STD:
        hint = ' (durations and time points: "common/time.h")' if header == "chrono" else ""
        return [tree.finding(path, line, RULE, f"a core room is pure: no <{header}>{hint}")]
    if library and generic in LIBRARIES and library not in LIBRARIES[generic]:
        return [tree.finding(path, line, RULE, f"{room} may not use {library} (<{header}>); libraries live in edges")]
    return []


def _check_home(path: str, line: int, header: str) -> list[str]:
    if header.endswith(".pb.h"):
        if GENERATED_HOME.match(path):
            return []
        return [tree.finding(path, line, RULE, f"{header} belongs into protocol/wire/codec*.cpp only")]
    library = libraries.family(header)
    for name, home, pattern in HOMES:
        if library == name and not pattern.match(path):
            return [tree.finding(path, line, RULE, f"<{header}> belongs into {home} only")]
    return []


def _note_edge_library(noted: dict, path: str, line: int, header: str) -> None:
    room = _room(path)
    library = libraries.family(header)
    if room and _generic(room) == "P/edges" and library and library not in libraries.FORMATS:
        noted[room].setdefault(library, (path, line))


def _check_edges(noted: dict) -> list[str]:
    found = []
    for room, used in noted.items():
        first = next(iter(used))
        for library, (path, line) in list(used.items())[1:]:
            found.append(tree.finding(path, line, RULE, f"{room} uses {library} beside {first}: one library per edge"))
    return found


def _check_beast(uses: list[tuple[str, int]]) -> list[str]:
    found = [tree.finding(path, line, RULE, "boost/beast belongs into controlnode/edges/http only")
             for path, line in uses
             if not path.startswith("controlnode/edges/http/") and not path.startswith("tests/")]
    homes = sorted({path for path, _ in uses if path.startswith("controlnode/edges/http/")})
    for path in homes[BEAST_FILES:]:
        line = next(line for name, line in uses if name == path)
        found.append(tree.finding(path, line, RULE, f"boost/beast in more than {BEAST_FILES} files: "
                                                    "it costs half a minute of compiling each time"))
    return found


def _check_content(file: tree.SourceFile, room: str | None) -> list[str]:
    if room is None:
        return []
    generic = _generic(room)
    if generic == "P" and file.name == "main.cpp" and len(file.lines) >= MAIN_LINES:
        return [tree.finding(file.path, len(file.lines), RULE,
                             f"a composition root stays under {MAIN_LINES} lines, this has {len(file.lines)}")]
    if generic == "P/core":
        return [tree.finding(file.path, tree.line_of(file.code, match.start()), RULE,
                             f"a core room is pure: no {match[0].rstrip('( ')}")
                for match in IMPURE_WORDS.finditer(file.code)]
    if generic == "P/ports":
        return _check_port(file)
    return []


def _check_port(file: tree.SourceFile) -> list[str]:
    if not file.is_header:
        return [tree.finding(file.path, 1, RULE, "ports hold abstract classes only: no source files")]
    found = []
    for body in file.scan.classes:
        if body.keyword != "class":
            continue
        if not re.search(r"\bvirtual\b[^;]*=\s*0\s*;", body.body):
            found.append(tree.finding(file.path, body.line, RULE, f"port class {body.name} has no pure virtual function"))
        elif re.search(r"\b\w+_\s*(?:;|=|\{\s*\}\s*;)", body.body):
            found.append(tree.finding(file.path, body.line, RULE, f"port class {body.name} holds data"))
    return found
