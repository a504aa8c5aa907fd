"""Any input works or ends with one line that names it: config, state, catalog, shops, variables."""

from __future__ import annotations

import copy
import json
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from support.in_process import TOKEN, discover, partition, run_without_api
from tap_sumeru.config.schema import CONFIG_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.tap_cli import Json, Output

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1")

CONFIG: Json = {
    "shops": [
        {"shop": "acme", "api_token": TOKEN, "start_date": "2026-01-01"},
        {"shop": "globex", "api_token": TOKEN[::-1], "api_url": "https://eu.api.sumeru.systems"},
    ],
    "start_date": "2025-01-01T00:00:00Z",
    "end_date": "2026-07-01",
    "lookback_days": 1.5,
    "window_days": 7,
    "concurrency": 3,
    "rate_limit_share": 0.5,
    "request_timeout_seconds": 10,
    "max_retries": 2,
    "on_error": "stop",
    "stream_options": {
        "orders": {
            "filters": {"x": 0.5, "y": True},
            "include": ["refunds"],
            "details": True,
            "replication_key": "created_at",
            "date_filter": ["from", "to"],
            "lookback_days": 2,
            "window_days": 5,
        },
        "customers": None,
    },
    "shard": "1/1",
    "user_agent": "nightly",
    "stream_maps": {
        "customers": {"email": "md5(email)", "phone": None, "__alias__": "people", "__filter__": "True"},
        "sales": {"__source__": "orders", "__else__": None, "id": "id", "shop": "shop"},
        "prod*": {"vendor": None, "__key_properties__": ["shop", "id"]},
    },
    "pii": "hash",
    "stream_map_config": {"hash_seed": "x"},
    "flattening_enabled": True,
    "flattening_max_depth": 1,
    "flattening_separator": "__",
    "batch_config": {
        "encoding": {"format": "jsonl", "compression": "none"},
        "storage": {"root": "memory://batches"},
    },
}
STATE: Json = {
    "bookmarks": {
        "orders": {
            "partitions": [
                partition(
                    filters="0123",
                    unproven_from="2025-01-01T00:00:00Z",
                    reading={
                        "began": "2026-01-01T00:00:00Z",
                        "since": "2025-01-01",
                        "query": "q",
                        "cursor": "c",
                    },
                    date_filter={"verdict": "proven", "names": ["from", "to"]},
                ),
                partition("gone"),
            ]
        },
        "customers": {"partitions": []},
    }
}

SCALARS = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        10**25,
        1.5,
        1e300,
        "",
        " ",
        "x",
        "5",
        "[]",
        '{"a": 1}',
        "a\nb",
        "\x1b[2K",
        "ä",
        "__NULL__",
    ]
)
VALUES = st.recursive(
    SCALARS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def catalog() -> Json:
    """Return a catalog of three streams with few columns, so that a change meets each part."""
    made: Json = discover()
    made["streams"] = [one for one in made["streams"] if one["stream"] in ("orders", "customers", "usage")]
    for entry in made["streams"]:
        entry["metadata"] = entry["metadata"][:3] + entry["metadata"][-1:]
    return made


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield all members and items of a document, as the holder and the key or index."""
    members = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(members):
        yield document, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def _change(draw: st.DrawFn, document: Json) -> None:
    """Change one place of a document: another value, a member more or less, or a misspelt key."""
    places = list(_places(document))
    holder, key = draw(st.sampled_from(places))
    how = draw(st.sampled_from(["replace", "remove", "misspell", "add", "wrap"]))
    if how == "replace":
        holder[key] = draw(VALUES)
    elif how == "remove":
        del holder[key]
    elif how == "wrap":
        holder[key] = draw(st.sampled_from([[holder[key]], {"value": holder[key]}, json.dumps(holder[key])]))
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif how == "add":
        holder[draw(st.text(max_size=8))] = draw(VALUES)
    else:
        at = draw(st.integers(0, len(key)))
        holder[draw(st.sampled_from([key[:at] + key[at + 1 :], key[:at] + "x" + key[at:], key.upper()]))] = (
            holder.pop(key)
        )


@st.composite
def changed(draw: st.DrawFn, document: Json) -> Any:
    """Draw a document with up to three changes."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 3))):
        if made:
            _change(draw, made)
    return made


@st.composite
def files(draw: st.DrawFn, document: Json) -> bytes:
    """Draw a file: mostly a changed document, in any encoding, sometimes cut."""
    text = json.dumps(draw(changed(document)), ensure_ascii=draw(st.booleans()))
    raw = text.encode(draw(st.sampled_from(ENCODINGS)), "replace")
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.integers(0, 9)) == 0 else raw


def assert_works_or_is_named(output: Output, *names: str) -> None:
    assert output.code in (0, 1), output.log
    assert "Traceback" not in output.log, output.log
    assert "Internal error" not in output.log, output.log
    assert TOKEN not in output.log
    assert TOKEN[::-1] not in output.log
    if output.code == 0:
        assert output.errors == []
        return
    (error,) = output.errors
    assert any(name in error for name in names), error
    assert output.lines == []


def _run(folder: str, **contents: bytes) -> Output:
    options: list[str] = []
    for name, content in contents.items():
        path = Path(folder) / f"{name}.json"
        path.write_bytes(content)
        options += [f"--{name}", str(path)]
    with chdir(folder):  # a random `batch_config` makes a folder
        return run_without_api(*options)


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()


@given(files(CONFIG))
def test_any_config_works_or_is_named(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_works_or_is_named(
            _run(folder, config=content), "config", *CONFIG_SCHEMA["properties"], "unknown setting"
        )


@given(files(STATE))
def test_any_state_works_or_is_named(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_works_or_is_named(_run(folder, config=_json(CONFIG), state=content), "state")


@given(st.deferred(lambda: files(catalog())))
@settings(max_examples=50)
def test_any_catalog_works_or_is_named(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        output = _run(folder, config=_json({"api_token": TOKEN}), catalog=content)
        assert_works_or_is_named(output, "catalog")


@given(st.deferred(lambda: files(CONFIG["shops"])))
@settings(max_examples=50)
def test_any_file_of_shops_works_or_is_named(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shops"
        path.write_bytes(content)
        assert_works_or_is_named(
            _run(folder, config=_json({"shops_file": str(path)})), "shops_file", "start_date"
        )


@given(changed(CONFIG), st.data())
@settings(max_examples=50)
def test_any_variables_work_or_are_named(config: Json, data: st.DataObject) -> None:
    environment = {}
    for name, value in config.items():
        text = value if isinstance(value, str) else json.dumps(value)
        text = data.draw(st.sampled_from([text, text, text, "", text[:3], f" {text}\n"]))
        variable = f"TAP_SUMERU_{name.upper()}"
        if "\0" not in variable + text and "=" not in variable and text.isascii() and variable.isascii():
            environment[variable] = text
    with patch.dict("os.environ", environment), tempfile.TemporaryDirectory() as folder, chdir(folder):
        output = run_without_api("--config", "ENV")
    assert_works_or_is_named(output, "TAP_SUMERU_", *CONFIG_SCHEMA["properties"])
