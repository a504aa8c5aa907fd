"""Reads the vendor's OpenAPI document (`openapi_file`), in JSON or YAML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from typing_extensions import override

from tap_sumeru.config.json_text import decode_input, unicode_text
from tap_sumeru.errors import SettingsError


class _Loader(yaml.SafeLoader):
    """Reads YAML 1.2 as OpenAPI requires it: `on`, `no` and dates are texts, and so is every key."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                key.tag = _TEXT
        return super().construct_mapping(node, deep=deep)


_TAGS = "tag:yaml.org,2002:"
_Loader.yaml_implicit_resolvers = {}  # without those of YAML 1.1
_TEXT, _MERGE = f"{_TAGS}str", f"{_TAGS}merge"
for _tag, _pattern, _first in (
    ("merge", "<<", ["<"]),
    ("null", "~|null|", ["~", "n", ""]),
    ("bool", "true|false", ["t", "f"]),
    ("int", "-?(?:0|[1-9][0-9]*)", [*"-0123456789"]),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", [*"-0123456789"]),
):
    _Loader.add_implicit_resolver(_TAGS + _tag, re.compile(f"(?:{_pattern})$"), _first)


def read_openapi_file(path: str) -> dict[str, Any]:
    """Return an OpenAPI document.

    Args:
        path: The path of the file.

    Raises:
        SettingsError: The file cannot be read, or is not an OpenAPI document of version 3.
    """
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise SettingsError("openapi_file: the file does not exist.") from None
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "not a valid path"
        raise SettingsError(f"openapi_file: the file cannot be read ({reason}).") from None
    try:
        text = unicode_text(raw)
    except ValueError:
        raise SettingsError("openapi_file: must be JSON or YAML in Unicode.") from None
    if text.lstrip()[:1] in ("{", "["):
        document = decode_input(text, "openapi_file", SettingsError, repeated_keys=True)
    else:
        document = _yaml(text)
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise SettingsError(
            "openapi_file: must be an OpenAPI document, an object with `openapi` and `paths`."
        )
    if not str(document.get("openapi", "")).startswith("3."):
        raise SettingsError("openapi_file: must be of version 3.0 or 3.1 of OpenAPI. Convert the document.")
    return document


def _yaml(text: str) -> object:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        if mark is None:
            raise SettingsError("openapi_file: must be JSON or YAML.") from None
        place = f"line {mark.line + 1}, column {mark.column + 1}"
        raise SettingsError(f"openapi_file: must be JSON or YAML; the error is in {place}.") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        raise SettingsError("openapi_file: must be JSON or YAML.") from None
