"""The files of a checkout as the rules see them, each read once."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path

import cpp_scan
from cpp_scan import line_of

HEADER_ENDINGS = (".h", ".hpp")
CPP_ENDINGS = HEADER_ENDINGS + (".cpp", ".cc")
TEXT_ENDINGS = CPP_ENDINGS + (
    ".c", ".cmake", ".conf", ".css", ".html", ".in", ".js", ".json", ".md", ".mjs", ".proto", ".py",
    ".service", ".sh", ".sql", ".toml", ".txt", ".yaml", ".yml",
)
PRODUCT_ROOMS = ("common/", "protocol/", "controlnode/", "hostagent/")
SKIPPED_DIRECTORIES = {".git", ".cache", "__pycache__", "build", "node_modules", "third_party", "vendor"}

# Comments, raw strings, strings and characters; a quote after a digit is a digit separator.
_LEXICAL = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|R"([^()\\\s]{0,16})\(.*?\)\1"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)


def _blank(text: str) -> str:
    return "".join(c if c == "\n" else " " for c in text)


def without_comments(text: str) -> str:
    """The same text, same line numbers, comments turned into blanks."""
    return _LEXICAL.sub(lambda m: _blank(m[0]) if m[0].startswith(("//", "/*")) else m[0], text)


def code_only(text: str) -> str:
    """Comments and the contents of literals turned into blanks; the quotes stay."""

    def replace(match: re.Match[str]) -> str:
        found = match[0]
        if found.startswith(("//", "/*")):
            return _blank(found)
        quote = found[-1]
        return quote + _blank(found[1:-1]) + quote

    return _LEXICAL.sub(replace, text)


class SourceFile:
    """One text file: its path from the root, and its text in the forms that rules need."""

    def __init__(self, root: Path, path: str) -> None:
        self.path = path
        self.absolute = root / path
        self.name = os.path.basename(path)
        self.directory = os.path.dirname(path)

    @functools.cached_property
    def text(self) -> str:
        return self.absolute.read_text(encoding="utf-8", errors="replace")

    @functools.cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @functools.cached_property
    def uncommented(self) -> str:
        return without_comments(self.text)

    @functools.cached_property
    def code(self) -> str:
        return code_only(self.text)

    @functools.cached_property
    def scan(self) -> cpp_scan.Scan:
        return cpp_scan.Scan(self.code)

    @functools.cached_property
    def includes(self) -> list[tuple[int, str, bool]]:
        """(line, header, quoted) of every #include."""
        found = []
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]*)"|<([^>\n]*)>)', self.uncommented, re.M):
            quoted = match[1] is not None
            found.append((line_of(self.uncommented, match.start(0)), match[1] if quoted else match[2], quoted))
        return found

    @functools.cached_property
    def is_python(self) -> bool:
        return self.path.endswith(".py") or (self.is_script and "python" in self.lines[0])

    @functools.cached_property
    def is_script(self) -> bool:
        """A file without an ending that begins with #!."""
        if "." in self.name.lstrip("."):
            return False
        try:
            with self.absolute.open("rb") as stream:
                return stream.read(2) == b"#!"
        except OSError:
            return False

    @property
    def is_cpp(self) -> bool:
        return self.path.endswith(CPP_ENDINGS)

    @property
    def is_header(self) -> bool:
        return self.path.endswith(HEADER_ENDINGS)

    @property
    def is_product(self) -> bool:
        return self.path.startswith(PRODUCT_ROOMS)

    @property
    def is_text(self) -> bool:
        return self.path.endswith(TEXT_ENDINGS) or self.name == "CMakeLists.txt" or self.is_script


class Tree:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = [SourceFile(root, path) for path in sorted(_walk(root))]
        self.paths = {file.path for file in self.files}
        self.cpp = [file for file in self.files if file.is_cpp]
        self.product_cpp = [file for file in self.cpp if file.is_product]

    def get(self, path: str) -> SourceFile | None:
        return next((file for file in self.files if file.path == path), None)


def _walk(root: Path) -> list[str]:
    found = []
    for directory, subdirectories, names in os.walk(root):
        relative = os.path.relpath(directory, root)
        subdirectories[:] = sorted(
            name for name in subdirectories
            if name not in SKIPPED_DIRECTORIES and not name.startswith(("build-", "cmake-build"))
            and not os.path.exists(os.path.join(directory, name, "CMakeCache.txt"))
        )
        for name in names:
            path = name if relative == "." else f"{relative}/{name}"
            if os.path.isfile(os.path.join(directory, name)) and not os.path.islink(os.path.join(directory, name)):
                found.append(path)
    return found


@functools.lru_cache(maxsize=4)
def _cached(root: str) -> Tree:
    return Tree(Path(root))


def of(root: str | Path) -> Tree:
    """The tree under root. Read once per process: rules see one state of the files."""
    return _cached(os.path.abspath(root))


def finding(path: str, line: int, rule: str, message: str) -> str:
    return f"{path}:{line}: {rule}: {message}"
