"""The lint rules. Each module has check(root) -> ["path:line: rule: message"]."""

NAMES = ("layers", "sizes", "sql", "banned", "headers", "docs", "names", "ports_contract", "errc")
