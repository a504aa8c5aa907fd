"""Reads the vendor's OpenAPI document (`openapi_file`), in JSON or YAML."""

from __future__ import annotations

import re
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import yaml

from tap_sumeru.config.json_text import decode, unicode_text
from tap_sumeru.errors import SettingsError


class _Loader(yaml.SafeLoader):
    """Reads scalars as JSON has them: `on`, `200` and dates stay texts, as names and versions need it."""


_Loader.yaml_implicit_resolvers = {
    first: kept
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if (kept := [one for one in resolvers if one[0].endswith((":null", ":merge"))])
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


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
    document = _json(text) if text.lstrip()[:1] in ("{", "[") else _yaml(text)
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise SettingsError(
            "openapi_file: must be an OpenAPI document, an object with `openapi` and `paths`."
        )
    if not str(document.get("openapi", "")).startswith("3."):
        raise SettingsError("openapi_file: must be of version 3.0 or 3.1 of OpenAPI. Convert the document.")
    return document


def _json(text: str) -> object:
    try:
        return decode(text)
    except JSONDecodeError as fault:
        place = f"line {fault.lineno}, column {fault.colno}"
        raise SettingsError(f"openapi_file: must be JSON; what is in {place} is not.") from None
    except ValueError:
        raise SettingsError("openapi_file: must be JSON in Unicode, without NaN or infinity.") from None


def _yaml(text: str) -> object:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = f"what is in line {mark.line + 1}, column {mark.column + 1}" if mark else "its content"
        raise SettingsError(f"openapi_file: must be JSON or YAML; {place} is not.") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        raise SettingsError("openapi_file: must be JSON or YAML; its content is not.") from None
