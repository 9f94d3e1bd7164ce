"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

import ast

import tree

RULE = "sizes"
FILE_LIMIT = 600
FILE_WARNING = 400
FUNCTION_LIMIT = 70
COUNTED_ENDINGS = tree.CPP_ENDINGS + (".c", ".cmake", ".css", ".html", ".js", ".mjs", ".proto", ".py", ".sh", ".sql")


def _counted(file: tree.SourceFile) -> bool:
    return file.path.endswith(COUNTED_ENDINGS) or file.name == "CMakeLists.txt" or file.is_script


def check(root: str) -> list[str]:
    found = []
    for file in tree.of(root).files:
        if not _counted(file):
            continue
        if len(file.lines) > FILE_LIMIT:
            found.append(tree.finding(file.path, FILE_LIMIT + 1, RULE,
                                      f"{len(file.lines)} lines; the limit is {FILE_LIMIT}: split it by purpose"))
        for name, first, last in _functions(file):
            if last - first + 1 > FUNCTION_LIMIT:
                found.append(tree.finding(file.path, first, RULE, f"{name} has {last - first + 1} lines; "
                                                                  f"the limit for a function is {FUNCTION_LIMIT}"))
    return found


def warnings(root: str) -> list[str]:
    return [tree.finding(file.path, FILE_WARNING + 1, RULE, f"{len(file.lines)} lines; aim for {FILE_WARNING}")
            for file in tree.of(root).files if _counted(file) and FILE_WARNING < len(file.lines) <= FILE_LIMIT]


def _functions(file: tree.SourceFile) -> list[tuple[str, int, int]]:
    if file.is_cpp:
        return [(f.name, f.first_line, f.last_line) for f in file.scan.functions]
    if not file.is_python:
        return []
    try:
        module = ast.parse(file.text)
    except SyntaxError as error:
        return [(f"not valid Python ({error.msg}), counted as a function that", 1, FUNCTION_LIMIT + len(file.lines) + 1)]
    return [(node.name, node.lineno, node.end_lineno or node.lineno) for node in ast.walk(module)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
