"""Calls, patterns and words that have a better replacement, which the message names."""

from __future__ import annotations

import re

import tree

RULE = "banned"
# The rules and their test name what they forbid.
EXEMPT = ("tests/lint/",)

_ANYWHERE_IN_CPP = (
    (r"\b(?:std::|::)?system\s*\(\s*(?=[\"\w])", "system()", "run an argument vector without a shell"),
    (r"\bpopen\s*\(", "popen()", "run an argument vector without a shell"),
    (r"\bstrcpy\s*\(|\bstrcat\s*\(|\bstrncpy\s*\(|\bstrncat\s*\(", "C string copying", "std::string"),
    (r"\bsprintf\s*\(|\bvsprintf\s*\(", "sprintf()", "std::string and std::to_chars"),
    (r"\bgets\s*\(", "gets()", "std::getline with a bound"),
    (r"\bato(?:i|l|ll|f)\s*\(", "atoi() and its like", "std::from_chars, which reports errors"),
    (r"\bs?rand\s*\(", "rand()", "the Random port"),
    (r"\bstd::endl\b", "std::endl", "'\\n'"),
    (r"\busing\s+namespace\s+std\s*;", "using namespace std", "the std:: prefix"),
    (r"\b[iI]nstance\s*\(\s*\)", "a singleton's instance()", "an argument, made in main.cpp"),
    (r"\bdoctest::skip\b", "doctest::skip", "a test that runs, or none"),
)
_PRODUCT_CPP = (
    (r"\bsleep_for\s*\(|\bsleep_until\s*\(|\bu?sleep\s*\(|\bnanosleep\s*\(", "a sleep", "waiting for the condition (poll, a timer event)"),
    (r"\bthread_local\b", "thread_local", "an argument"),
)
# In product code, literals included.
_PRODUCT_TEXT = ((r"(?<![\w.}])/tmp\b", "a hard-coded /tmp", "a path from the configuration"),)
# In every text file. The project speaks of itself alone: not of how it was made, nor where.
_EVERYWHERE = (
    (r"\b(?:TODO|FIXME|XXX|HACK)\b(?!\w)", "an unfinished-work marker", "an issue, or the work itself"),
    (r"(?<![\w.\-/})])/work/", "a path of one machine", "a path from the root of the project"),
    (r"(?i)\bco-authored-by\b|\bassistants?\b|\b(?:language|chat)[ -]?(?:model|bot)s?\b|\b(?:the|this|my|your) brief\b"
     r"|\b(?:auto-?generated|generated) by an?\b", "a word about how the text came to be", "what the code does and why"),
)


def _compiled(rows: tuple) -> list[tuple[re.Pattern[str], str, str]]:
    return [(re.compile(pattern), name, instead) for pattern, name, instead in rows]


ANYWHERE_IN_CPP = _compiled(_ANYWHERE_IN_CPP)
PRODUCT_CPP = _compiled(_PRODUCT_CPP)
PRODUCT_TEXT = _compiled(_PRODUCT_TEXT)
EVERYWHERE = _compiled(_EVERYWHERE)


def check(root: str) -> list[str]:
    found = []
    for file in tree.of(root).files:
        if file.path.startswith(EXEMPT) or not (file.is_text or file.name.startswith((".clang", ".git"))):
            continue
        found += _search(file, file.text, EVERYWHERE)
        if file.is_product and not file.path.endswith(".md"):
            found += _search(file, file.uncommented if file.is_cpp else file.text, PRODUCT_TEXT)
        if file.is_cpp:
            found += _search(file, file.code, ANYWHERE_IN_CPP)
        if file.is_cpp and file.is_product:
            found += _search(file, file.code, PRODUCT_CPP) + _mutable_globals(file)
    return found


def _search(file: tree.SourceFile, text: str, rows: list) -> list[str]:
    return [tree.finding(file.path, tree.line_of(text, match.start()), RULE, f"{name}: use {instead} instead")
            for pattern, name, instead in rows for match in pattern.finditer(text)]


_NOT_A_VARIABLE = re.compile(
    r"^(?:using|typedef|class|struct|union|enum|namespace|template|static_assert|friend|extern|public|private|protected"
    r"|concept|requires|asm|export|import|return|goto|\[\[|\}|#)\b|^$|\boperator\b")
_CONSTANT = re.compile(r"\b(?:constexpr|consteval|constinit const)\b|\bconst\b(?![^=({]*[*](?!\s*const))")
_DECLARATION = re.compile(r"^(?:(?:static|inline|thread_local|constinit|mutable|volatile)\s+)*"
                          r"[\w:]+(?:\s*<[^;=]*>)?(?:[\s*&]+[\w:]+)*?[\s*&]+(\w+)\s*(?:\[[^\]]*\]\s*)*(?:=|\{|$)")


def _variable(text: str) -> str | None:
    """The name of the mutable variable that a statement defines; None for everything else."""
    if _NOT_A_VARIABLE.search(text) or _CONSTANT.search(re.split(r"=|\{", text, maxsplit=1)[0]):
        return None
    match = _DECLARATION.match(text)
    return match[1] if match and "(" not in text[:match.end()] else None


def _mutable_globals(file: tree.SourceFile) -> list[str]:
    found = []
    for statement in file.scan.statements:
        if statement.scope == "class" and not re.match(r"(?:inline\s+)?static\b", statement.text):
            continue
        name = _variable(statement.text)
        if name:
            found.append(tree.finding(file.path, statement.line, RULE,
                                      f"mutable variable {name} outside of any object: pass it as an argument instead"))
    for function in file.scan.functions:
        body = file.code[function.body_start:function.body_end]
        for match in re.finditer(r"(?<=[;{}])\s*(static\s[^;(]*[;({=])", body):
            name = _variable(" ".join(match[1].rstrip(";({=").split()))
            if name:
                position = function.body_start + match.start(1)
                found.append(tree.finding(file.path, tree.line_of(file.code, position), RULE,
                                          f"mutable static {name} in a function: pass it as an argument instead"))
    return found
