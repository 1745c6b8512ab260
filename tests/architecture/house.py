"""Reads the imports of the tree."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.floors import APPS, FLOORS, GATEWAYS, INTERFACES, SHARED_INTERFACES, VOCABULARY

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Import:
    """One import: which file, on which line, of what, and whether inside a function."""

    file: str
    line: int
    module: str
    inside_function: bool


def matches(pattern: str, file: str) -> bool:
    """True for a glob with {a,b}, * (one level) and ** (any depth)."""
    expression = re.escape(pattern)
    expression = re.sub(r"\\{([^}]*)\\}", lambda m: "(" + m[1].replace(",", "|") + ")", expression)
    expression = expression.replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
    return re.fullmatch(expression, file) is not None


def floor_of(file: str) -> int | None:
    """The floor this file lives on, or None."""
    return next((floor for pattern, floor in FLOORS if matches(pattern, file)), None)


def python_files(*folders: str) -> list[str]:
    """Every .py below these folders, migrations left out, as paths below the repository."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(str(path.relative_to(ROOT)) for path in found if "migrations" not in path.parts)


def imports_of(file: str, source: str | None = None) -> list[Import]:
    """All imports of a file, each as the dotted module it names."""
    tree = ast.parse(source if source is not None else (ROOT / file).read_text(encoding="utf-8"))
    return list(_walk(file, tree, inside=False))


def _walk(file: str, node: ast.AST, *, inside: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(file, child.lineno, alias.name, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield from (Import(file, child.lineno, f"{child.module}.{alias.name}", inside) for alias in child.names)
        else:
            within = inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _walk(file, child, inside=within)


def callers_of(name: str, files: list[str]) -> set[str]:
    """Files in which something called `name` is called: `reserve(…)`, `requests.reserve(…)`."""
    return {file for file in files if name in called((ROOT / file).read_text(encoding="utf-8"))}


def called(source: str) -> set[str]:
    """The names of everything that is called."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}


def key_locks(source: str) -> list[int]:
    """Lines of row locks that also bar the rows of others which only refer to the locked one."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    locks = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "select_for_update"]
    return [lock.lineno for lock in locks if "no_key" not in {word.arg for word in lock.keywords}]


def target_file(module: str) -> str | None:
    """The file of ours that a dotted name lands in, or None for a stranger."""
    parts = module.split(".")
    if parts[0] not in APPS:
        return None
    for length in range(len(parts), 0, -1):
        stem = "/".join(parts[:length])
        for candidate in (f"{stem}.py", f"{stem}/__init__.py"):
            if (ROOT / candidate).is_file():
                return candidate
    return None


def breach(item: Import) -> str | None:
    """Why this import breaks one of the two orders, or None."""
    target = target_file(item.module)
    if target is None:
        return None
    from_app, to_app = item.file.split("/")[0], target.split("/")[0]
    if APPS.index(to_app) > APPS.index(from_app) and to_app != "vmportal":
        return f"{item.file}:{item.line} imports upward: {item.module}"
    if to_app == "vmportal" and from_app != "vmportal":
        return f"{item.file}:{item.line} imports the wiring: {item.module}"
    from_floor, to_floor = floor_of(item.file), floor_of(target)
    if from_floor is None or to_floor is None:
        return f"{item.file} or {target} has no room in floors.py"
    shared = target in SHARED_INTERFACES or (
        from_app == "vmportal" and re.search(r"\.(urls|routing|backpressure|selectors)\b", item.module)
    )
    too_high = to_floor > from_floor or (from_app != to_app and to_floor == INTERFACES and not shared)
    if from_floor == GATEWAYS and to_floor not in {VOCABULARY, GATEWAYS}:
        too_high = True
    return f"{item.file}:{item.line} (floor {from_floor}) imports {target} (floor {to_floor})" if too_high else None
