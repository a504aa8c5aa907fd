"""Collects the errors and warnings that the tap can print from its source."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ("tap_sumeru", "sumeru_api", "target_sumeru", "pyspark_sumeru")

HOLE = "…"
"""Stands for a part of a message that the source does not fix."""

NAMES = (
    *("REASONS", "_ADVICE", "_CERTIFICATE", "_COARSE", "_NETWORK", "_NO_STREAM_FOUND", "_OUTDATED", "_TEXTS"),
    *("cause", "need", "problem", "reason", "texts"),
)
"""Names whose texts become messages, or parts of them."""

FUNCTIONS = (
    "unknown_parts",
    "_about_shops",
    "notes",
    "_notes",
    "_reason_to_keep",
    "_describe",
    "_ledger_fault",
    "notice",
    "unread_variables",
)
"""Functions whose results are lines, or parts of messages."""

_INLINE = ("cause", "text")
"""Names whose texts are shown within the texts that they are part of."""

_MIN_LETTERS = 7
"""A message with fewer fixed characters only wraps a text that comes from elsewhere."""
_LEVELS = ("warning", "error")
_CALLS = ("error", "cls", "with_cause", "_failed", "exit")
"""What else makes an error from a text."""


def messages() -> dict[str, str]:
    """Return each message, with `…` for its variable parts, and the file and line that it is in."""
    found: dict[str, str] = {}
    for path, tree in _trees():
        for text, line in _of_module(tree):
            if len(re.sub(r"[^A-Za-z]", "", text)) >= _MIN_LETTERS:
                found.setdefault(text.strip(), f"{path.relative_to(ROOT)}:{line}")
    return found


@cache
def _trees() -> list[tuple[Path, ast.Module]]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


@cache
def _error_names() -> frozenset[str]:
    """Return the names of all exceptions of the packages."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    errors = {"Exception", "TimeoutError"}
    while more := {name for name, parents in bases.items() if parents & errors} - errors:
        errors |= more
    return frozenset(errors)


def _of_module(tree: ast.Module) -> Iterator[tuple[str, int]]:
    assigned: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        for name, value in _assignments(node):
            assigned.setdefault(name, []).append(value)
    for node in ast.walk(tree):
        for argument in _texts_of(node):
            for text in _templates(argument, assigned):
                yield text, argument.lineno


def _assignments(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a statement sets, each with its value."""
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        targets = [node.target]
    else:
        return
    for target in targets:
        if isinstance(target, ast.Name) and node.value is not None:
            yield target.id, node.value


def _texts_of(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions of a node that hold the text of a message."""
    if isinstance(node, ast.Call):
        yield from _arguments(node)
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        for name, value in _assignments(node):
            if name in NAMES:
                yield from _leaves(value)
    elif isinstance(node, ast.FunctionDef) and node.name in FUNCTIONS:
        for inner in ast.walk(node):
            if isinstance(inner, (ast.Yield, ast.Return)) and inner.value:
                yield from _leaves(inner.value)


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    """Yield the arguments that hold the text of a message, if a call makes an error or logs a line."""
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _error_names() or name in _CALLS or (isinstance(function, ast.Attribute) and name in _LEVELS):
        yield from call.args[:1]
    elif name == "get" and isinstance(function, ast.Attribute):
        table = function.value
        if isinstance(table, ast.Name) and table.id in NAMES:
            yield from call.args[1:]  # what is returned for any other key


def _leaves(value: ast.expr) -> Iterator[ast.expr]:
    """Yield the texts in the values of a dictionary, or the members of a tuple."""
    if isinstance(value, ast.Dict):
        for one in value.values:
            yield from _leaves(one)
    elif isinstance(value, (ast.Tuple, ast.List)):
        for one in value.elts:
            yield from _leaves(one)
    elif isinstance(value, ast.BinOp):
        yield from _leaves(value.left)
    elif isinstance(value, ast.Call):
        for one in value.args:  # of `dict.fromkeys`
            yield from _leaves(one)
    else:
        yield value


def _templates(node: ast.expr, assigned: dict[str, list[ast.expr]], depth: int = 0) -> list[str]:
    """Return what a text may look like, one for each branch."""
    if isinstance(node, ast.Constant):
        return [re.sub(r"%[-.\d]*[sdfr]|\{\w+\}", HOLE, node.value)] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        texts = [""]
        for part in node.values:
            texts = [f"{text}{more}" for text in texts for more in _parts(part, assigned, depth)]
        return texts
    if isinstance(node, ast.IfExp):
        return _templates(node.body, assigned, depth) + _templates(node.orelse, assigned, depth)
    if isinstance(node, ast.Name) and depth < 2:
        values = assigned.get(node.id, ())
        return [text for value in values for text in _templates(value, assigned, depth + 1)]
    return []


def _parts(node: ast.expr, assigned: dict[str, list[ast.expr]], depth: int) -> list[str]:
    """Return what a part of an f-string may look like."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name) and node.value.id in _INLINE:
        return _templates(node.value, assigned, depth) or [HOLE]
    return [HOLE]
