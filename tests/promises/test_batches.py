"""`batch_config`: BATCH files hold the same records as messages, and every named file is complete.

Files that others can read were reported elsewhere as getsops/sops#1902.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import signal
import subprocess
from collections import defaultdict
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import pytest
from singer_sdk import Target
from singer_sdk.sinks import BatchSink
from typing_extensions import override

from support.tap_cli import Output

if TYPE_CHECKING:
    from support.tap_cli import Json, Tap

STREAMS = ("customers", "orders")


def batches(tap: Tap, compression: str = "gzip", **config: Any) -> Json:
    storage = {"root": (tap.folder / "files").as_uri(), "prefix": "nightly-"}
    return {"encoding": {"format": "jsonl", "compression": compression}, "storage": storage, **config}


def read(output: Output) -> dict[str, list[str]]:
    """Return the lines of all files that BATCH messages name, by stream, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for message in output.of_type("BATCH"):
        for url in message["manifest"]:
            found[message["stream"]] += _lines(url, zipped=message["encoding"]["compression"] == "gzip")
    return found


def _lines(url: str, *, zipped: bool) -> list[str]:
    content = Path(urlsplit(url).path).read_bytes()
    return (gzip.decompress(content) if zipped else content).decode().splitlines()


def records(output: Output) -> dict[str, list[str]]:
    """Return the JSON text of all records, by stream, in order."""
    found = defaultdict(list)
    for line in output.lines:
        if line.startswith('{"type":"RECORD"'):
            stream = json.loads(line)["stream"]
            found[stream].append(line.partition('"record":')[2].rpartition(',"time_extracted"')[0])
    return found


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_files_hold_the_same_records_as_messages(tap: Tap, compression: str) -> None:
    plain = tap.sync(streams=STREAMS)
    output = tap.sync(streams=STREAMS, batch_config=batches(tap, compression, batch_size=30))
    assert (plain.code, output.code) == (0, 0), output.log
    assert not output.of_type("RECORD")
    assert {name: sorted(lines) for name, lines in read(output).items()} == {
        name: sorted(lines) for name, lines in records(plain).items()
    }
    urls = [url for message in output.of_type("BATCH") for url in message["manifest"]]
    assert max(len(_lines(url, zipped=compression == "gzip")) for url in urls) == 30
    assert output.state["bookmarks"].keys() == plain.state["bookmarks"].keys()


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_files_hold_flattened_records(tap: Tap, depth: int) -> None:
    options: Json = {"flattening_enabled": True, "flattening_max_depth": depth}
    plain = tap.sync(streams=STREAMS, **options)
    output = tap.sync(streams=STREAMS, batch_config=batches(tap), **options)
    assert (plain.code, output.code) == (0, 0), output.log
    assert {name: sorted(lines) for name, lines in read(output).items()} == {
        name: sorted(lines) for name, lines in records(plain).items()
    }
    for schema in output.of_type("SCHEMA"):
        keys = list(schema["schema"]["properties"])
        assert all(list(json.loads(line)) == keys for line in read(output)[schema["stream"]])


def test_selection_and_maps_are_applied(tap: Tap) -> None:
    catalog = tap.catalog("customers", deselected=(("customers", "phone"), ("customers", "city")))
    maps = {"customers": {"email": "md5(email) if email else None", "__alias__": "people"}}
    output = tap.sync(catalog=catalog, stream_maps=maps, batch_config=batches(tap))
    assert output.code == 0, output.log
    assert [message["stream"] for message in output.of_type("BATCH")] == ["people"]
    lines = read(output)["people"]
    assert len(lines) == 100
    assert not any("@" in line or '"phone"' in line or '"city"' in line for line in lines)
    assert [message["stream"] for message in output.of_type("SCHEMA")] == ["people"]


def test_a_state_follows_the_files_that_it_covers(tap: Tap) -> None:
    output = tap.sync(streams=STREAMS, batch_config=batches(tap))
    written: set[str] = set()
    for message in output.messages:
        if message["type"] == "BATCH":
            written.add(message["stream"])
        elif message["type"] == "STATE":
            places = message["value"]["bookmarks"]
            assert {name for name in places if "replication_key_value" in str(places[name])} <= written
    assert output.messages[-1]["type"] == "STATE"
    assert "replication_key_value" in output.bookmark("customers")


def test_names_and_messages_hold_nothing_private(tap: Tap) -> None:
    output = tap.sync(streams=STREAMS, batch_config=batches(tap))
    names = [path.name for path in (tap.folder / "files").iterdir()]
    assert len(names) == 2
    for name in names:
        assert name.startswith("nightly-")
        assert "acme" not in name
    assert tap.config["api_token"] not in "".join([*output.lines, *names, output.log])


class Loaded(BatchSink):
    """Keeps the rows that the SDK reads from the files."""

    rows: ClassVar[list[Json]] = []

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        self.rows.extend(context["records"])


class Loader(Target):
    """A target of the SDK."""

    name = "target-memory"
    config_jsonschema: ClassVar[Json] = {"properties": {}}
    default_sink_class = Loaded


def test_targets_of_the_sdk_read_the_files(tap: Tap, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tap.sync(streams=("customers",), batch_config=batches(tap, batch_size=40))
    monkeypatch.setattr(Loaded, "rows", [])
    Loader().listen(StringIO("".join(f"{line}\n" for line in output.lines)))
    expected = {record["id"]: record for record in tap.sync(streams=("customers",)).records("customers")}
    assert {row["id"]: row for row in Loaded.rows} == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoding": {"format": "parquet"}}, "batch_config.encoding.format: must be jsonl"),
        ({"encoding": {"format": "jsonl", "compression": "zstd"}}, "batch_config.encoding.compression"),
        ({"storage": {}}, "batch_config.storage.root: is missing"),
        ({"storage": None}, "batch_config.storage: must be an object"),
        ({"batch_size": 0}, "batch_config.batch_size"),
        ({"storage": {"root": "nowhere://x"}}, "batch_config: the storage cannot be used"),
        ({"storage": {"root": "s3://bucket/x"}}, "beside the tap: pip install s3fs)"),
        ({"storage": {"root": "gs://bucket/x"}}, "beside the tap: pip install gcsfs)"),
        ({"storage": {"root": "abfs://bucket/x"}}, "beside the tap: pip install adlfs)"),
        ({"storage": {"root": "file:///dev/null"}}, "batch_config: the storage cannot be used"),
        ({"storage": {"root": "file:///proc/none"}}, "batch_config: the storage cannot be used"),
    ],
)
def test_an_unusable_config_is_reported_in_one_line(tap: Tap, change: Json, message: str) -> None:
    output = tap.sync(streams=("customers",), batch_config=batches(tap, **change))
    assert output.code == 1
    assert output.lines == []
    assert message in output.log
    assert "Traceback" not in output.log


def _limit_file_size() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (31_000, 31_000))


def test_a_full_disk_ends_the_run_and_no_message_names_an_incomplete_file(tap: Tap) -> None:
    """A file within the limit holds 30 customers but not 30 orders."""
    command = tap.command(streams=STREAMS, batch_config=batches(tap, "none", batch_size=30))
    # Coverage measurement would write files too.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, preexec_fn=_limit_file_size
    )
    output = Output(done.returncode, done.stdout.splitlines(), done.stderr)
    assert output.code == 1
    assert "batch_config: a file cannot be written (File too large)" in output.log
    assert "Traceback" not in output.log
    named = {urlsplit(url).path for message in output.of_type("BATCH") for url in message["manifest"]}
    assert {str(path) for path in (tap.folder / "files").iterdir()} == named
    assert all(json.loads(line)["id"] for lines in read(output).values() for line in lines)
    assert "replication_key_value" not in str(output.of_type("STATE"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_files_can_be_read_by_their_owner_only(tap: Tap) -> None:
    """They hold customer data; so does the folder, unless somebody else has made it."""
    shared = tap.folder / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    storage = {"root": (shared / "new" / "files").as_uri(), "prefix": ""}
    command = tap.command(streams=STREAMS, batch_config=batches(tap, storage=storage))
    umask = os.umask(0)
    try:
        output = tap.run(command)
    finally:
        os.umask(umask)
    assert output.code == 0, output.log
    paths = [shared, *shared.rglob("*")]
    assert {oct(path.stat().st_mode & 0o777) for path in paths if path.is_file()} == {"0o600"}
    assert [oct(path.stat().st_mode & 0o777) for path in paths if path.is_dir()] == [
        "0o755",
        "0o700",
        "0o700",
    ]


def test_a_folder_that_exists_keeps_its_permissions(tap: Tap) -> None:
    folder = tap.folder / "files"
    folder.mkdir()
    folder.chmod(0o750)
    assert tap.sync(streams=("customers",), batch_config=batches(tap)).code == 0
    assert oct(folder.stat().st_mode & 0o777) == "0o750"
