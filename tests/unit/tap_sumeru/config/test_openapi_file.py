"""The file with the OpenAPI document: JSON or YAML, and one line for each reason why it cannot be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tap_sumeru.config.openapi_file import read_openapi_file
from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = {"openapi": "3.1.0", "paths": {"/orders": {"description": "Größe"}}}
YAML = """\
# A comment.
openapi: 3.0
paths:
  /orders:
    get:
      responses:
        200: &ok
          nullable: true
          type: [string, null]
          example: 2026-05-10
          properties: {on: {}, no: {}, 1: {}, true: {}, null: {}}
          enum: [1, -2.5, no, on, true, 0x10, 1_000, ~]
        404: *ok
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_in_any_unicode_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "spec.json"
    path.write_bytes(json.dumps(DOCUMENT, ensure_ascii=False).encode(encoding))
    assert read_openapi_file(str(path)) == DOCUMENT


def test_yaml_reads_names_and_statuses_as_texts(tmp_path: Path) -> None:
    """getkin/kin-openapi#182: a field named `n` became `false`."""
    path = tmp_path / "spec.yaml"
    path.write_text(YAML, encoding="utf-8")
    ok = {
        "nullable": True,
        "type": ["string", None],
        "example": "2026-05-10",
        "properties": {"on": {}, "no": {}, "1": {}, "true": {}, "null": {}},
        "enum": [1, -2.5, "no", "on", True, "0x10", "1_000", None],
    }
    responses = {"200": ok, "404": ok}
    assert read_openapi_file(str(path)) == {
        "openapi": 3.0,
        "paths": {"/orders": {"get": {"responses": responses}}},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n "openapi": "3.1.0",\n "paths": {,}}', "must be JSON; the error is in line 3, column 12."),
        (b'{"openapi": NaN}', "must be JSON in Unicode, without NaN or infinity."),
        (b"openapi: 3.0.0\npaths: [}", "must be JSON or YAML; the error is in line 2, column 9."),
        (b"paths: !!python/object:os.system {}", "must be JSON or YAML; the error is in line 1, column 8."),
        (b"\x00\x01", "must be JSON or YAML."),
        (b"\xff\xff\xff", "must be JSON or YAML in Unicode."),
        (b"", "must be an OpenAPI document, an object with `openapi` and `paths`."),
        (b"[]", "must be an OpenAPI document, an object with `openapi` and `paths`."),
        (b"secret text", "must be an OpenAPI document, an object with `openapi` and `paths`."),
        (b'{"openapi": "3.1.0"}', "must be an OpenAPI document, an object with `openapi` and `paths`."),
        (
            b'{"swagger": "2.0", "paths": {}}',
            "must be of version 3.0 or 3.1 of OpenAPI. Convert the document.",
        ),
        (b"[" * 100_000, "must be JSON in Unicode, without NaN or infinity."),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_of_one_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "spec.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_openapi_file(str(path))
    assert str(caught.value) == f"openapi_file: {message}"


def test_a_missing_file_and_a_folder_are_errors_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^openapi_file: the file does not exist\.$"):
        read_openapi_file(str(tmp_path / "missing.json"))
    with pytest.raises(SettingsError, match=r"^openapi_file: the file cannot be read \(Is a directory\)\.$"):
        read_openapi_file(str(tmp_path))
    with pytest.raises(
        SettingsError, match=r"^openapi_file: the file cannot be read \(not a valid path\)\.$"
    ):
        read_openapi_file("\0")
