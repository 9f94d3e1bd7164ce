"""A small reader of C++ structure: which braces are namespaces, classes and functions.

It is no parser. It relies on code formatted by clang-format and on text whose comments and literals are blank.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TYPE_HEAD = re.compile(r"^(?:template\s*<.*?>\s*)*(?:typedef\s+|static\s+|inline\s+|export\s+)*(?:class|struct|union|enum)\b",
                        re.DOTALL)
_NAMESPACE_HEAD = re.compile(r"^(?:inline\s+)?namespace\b|^extern\s*\"\s*\"$")
_LABELS = re.compile(r"^(?:(?:public|private|protected)\s*:\s*)+")


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


@dataclass(frozen=True)
class Function:
    name: str
    first_line: int
    last_line: int
    body_start: int
    body_end: int

    @property
    def length(self) -> int:
        return self.last_line - self.first_line + 1


@dataclass(frozen=True)
class Statement:
    """What stands between two statement ends directly in a namespace or class; braces within it are included."""
    scope: str
    line: int
    text: str


@dataclass(frozen=True)
class ClassBody:
    name: str
    keyword: str
    line: int
    body: str


@dataclass
class _Open:
    kind: str
    head_start: int
    head: str
    brace: int


class Scan:
    def __init__(self, code: str) -> None:
        self.functions: list[Function] = []
        self.statements: list[Statement] = []
        self.classes: list[ClassBody] = []
        self._code = _without_preprocessor(code)
        self._run()

    def _run(self) -> None:
        stack: list[_Open] = []
        start = 0
        for match in re.finditer(r"[{};]", self._code):
            position, mark = match.start(), match[0]
            scope = stack[-1].kind if stack else "namespace"
            if mark == "{":
                head = _clean(self._code[start:position])
                stack.append(_Open(_kind(scope, head), start, head, position))
                start = position + 1
            elif mark == ";":
                if scope in ("namespace", "class"):
                    self._statement(scope, start, position)
                    start = position + 1
            elif stack:
                start = self._close(stack.pop(), position)

    def _close(self, opened: _Open, position: int) -> int:
        """Returns where the next statement begins."""
        following = self._code[position + 1:position + 200].lstrip()[:1]
        if opened.kind == "function":
            if following in (",", "{", "(", ")"):  # a brace in a constructor's initialiser list
                return opened.head_start
            self.functions.append(self._function(opened, position))
            return opened.head_start if following == ";" else position + 1
        if opened.kind == "class":
            name = re.search(r"\b(class|struct|union|enum)\s+(?:class\s+)?(?:\[\[.*?\]\]\s*)?(\w+)?", opened.head)
            if name:
                self.classes.append(ClassBody(name[2] or "", name[1], line_of(self._code, opened.brace),
                                              self._code[opened.brace + 1:position]))
        if opened.kind in ("block", "class"):  # `x = {...};` and `struct {...} y;` go on to their semicolon
            return opened.head_start
        return position + 1

    def _function(self, opened: _Open, end: int) -> Function:
        text = self._code[opened.head_start:opened.brace]
        first = opened.head_start + len(text) - len(_LABELS.sub("", text.lstrip()).lstrip())
        name = re.search(r"([~\w:]+|operator\s*\S+?)\s*\(", opened.head)
        return Function(name[1] if name else "?", line_of(self._code, first), line_of(self._code, end),
                        opened.brace, end)

    def _statement(self, scope: str, start: int, end: int) -> None:
        text = self._code[start:end]
        stripped = text.lstrip()
        self.statements.append(Statement(scope, line_of(self._code, start + len(text) - len(stripped)), _clean(text)))


def _clean(text: str) -> str:
    return _LABELS.sub("", " ".join(text.split()))


def _kind(scope: str, head: str) -> str:
    if scope not in ("namespace", "class"):
        return "inner"
    if _NAMESPACE_HEAD.search(head):
        return "namespace"
    if _TYPE_HEAD.search(head):
        return "class"
    if "(" in head and not head.endswith(("=", ",", "(", "return")):
        return "function"
    return "block"


def _without_preprocessor(code: str) -> str:
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "".join(c if c == "\n" else " " for c in m[0]), code,
                  flags=re.M)
