"""What a newcomer does wrong in the first hour, each as a run of the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Mistake:
    """A run with one mistake.

    Attributes:
        config: Settings that differ from a valid config. `{api}` stands for the API's URL, `{port}` for its
            host and port, `{closed}` for a port on which nothing listens, and `{token}` for the token.
        files: Files whose content is wrong: `config`, `state` or `catalog`.
        variables: Environment variables.
        options: What follows behind the options of the files.
        without: Options of the files that are left out.
        pipe: What a shell has behind the command.
    """

    config: Json = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    pipe: str = ""


def _config(**settings: Any) -> Mistake:
    return Mistake(settings)


def _shops(*entries: Any) -> Mistake:
    return Mistake({"api_token": None, "shop": None, "shops": list(entries)})


def _file(name: str, content: str) -> Mistake:
    return Mistake(files={name: content})


def _variables(*options: str, **variables: str) -> Mistake:
    return Mistake(variables=variables, options=options, without=("config",) if options else ())


def _proxy(url: str) -> Mistake:
    names = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), url) | {"NO_PROXY": "", "no_proxy": ""}
    return Mistake({"api_url": "https://api.example.test", "max_retries": 1}, variables=names)


_BATCH = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": "file:///dev/null/x"}}
_OTHER_CATALOG = {"streams": [{"tap_stream_id": "issues", "stream": "issues", "schema": {"type": "object"}}]}
_OTHER_STATE = {"bookmarks": {"issues": {"replication_key_value": "2026-01-01"}}}
_ENV = "--config=ENV"

MISTAKES: dict[str, Mistake] = {
    "no token": _config(api_token=None),
    "a wrong token, or one of the other host": _config(
        api_token="copt_test_00000000000000000000000000000000"
    ),
    "a token with a space inside": _config(api_token="copt_live_ abc"),
    "a token in quotation marks": _config(api_token='"{token}"'),
    "a variable in a file, instead of the token": _config(api_token="${SUMERU_TOKEN}"),
    "a token with `Bearer`": _config(api_token="Bearer {token}"),
    "`api_token` and `shops` together": _config(shops=[{"shop": "acme", "api_token": "{token}"}]),
    "`shops` as an object": Mistake({"api_token": None, "shops": {"acme": "{token}"}}),
    "`shops` as a list of tokens": _shops("{token}"),
    "a shop without a token": _shops({"shop": "acme"}),
    "the same token twice": _shops(*({"shop": shop, "api_token": "{token}"} for shop in ("acme", "globex"))),
    "the same name twice": _shops(
        *({"shop": shop, "api_token": f"copt_{shop}"} for shop in ("acme", "ACME"))
    ),
    "a `shops_file` that does not exist": Mistake({"api_token": None, "shops_file": "shops.json"}),
    "`http` for a remote host": _config(api_url="http://api.sumeru.systems"),
    "a host without `https://`": _config(api_url="api.sumeru.systems"),
    "a misspelt host": _config(api_url="https://api.sumeru.invalid", max_retries=0),
    "a path behind the host": _config(api_url="{api}/api/v1/orders"),
    "a closed port": _config(api_url="{closed}", max_retries=0),
    "`https` to a port without TLS": _config(api_url="https://{port}"),
    "a proxy that is not there": _proxy("http://{closed}"),
    "a proxy that is no URL": _proxy("proxy:port"),
    "a date in another order": _config(start_date="01.02.2026"),
    "a date as a number": _config(start_date=20260101),
    "a day that does not exist": _config(start_date="2026-02-30"),
    "a `start_date` in the future": _config(start_date="2999-01-01"),
    "an `end_date` before the `start_date`": _config(start_date="2026-02-01", end_date="2026-01-01"),
    "a misspelt setting": _config(start_dat="2026-01-01"),
    "a misspelt stream": _config(stream_options={"order": {"details": True}}),
    "a misspelt column in a stream map": _config(stream_maps={"customers": {"emial": None}}),
    "a misspelt replication key": _config(stream_options={"orders": {"replication_key": "update_at"}}),
    "a misspelt stream for `--reset`": Mistake(
        files={"state": '{"bookmarks": {}}'}, options=("--reset", "order")
    ),
    "a misspelt option": Mistake(options=("--chek",)),
    "a number out of range": _config(lookback_days=-1),
    "`concurrency` 0": _config(concurrency=0),
    "a share of the limit in percent": _config(rate_limit_share=50),
    "a word for a number": _config(concurrency="eight"),
    "a word that is no choice": _config(on_error="ignore"),
    "`shard` 3/2": _config(shard="3/2"),
    "`shard` 0/2": _config(shard="0/2"),
    "text where JSON is needed": _config(stream_options="orders"),
    "a filter on a date": _config(stream_options={"orders": {"filters": {"date_from": "2026-01-01"}}}),
    "`pii: hash` without a seed": _config(pii="hash"),
    "an expression that is no Python": _config(stream_maps={"customers": {"email": "md5(email"}}),
    "a log level that does not exist": Mistake(variables={"TAP_SUMERU_LOGLEVEL": "loud"}),
    "a config file that does not exist": Mistake(options=("--config", "conf.json"), without=("config",)),
    "an empty config file": _file("config", ""),
    "YAML in the config file": _file("config", "api_token: copt_live_abc\n"),
    "a comma too many": _file("config", '{"api_token": "copt_live_abc",}'),
    "an empty catalog": _file("catalog", ""),
    "a catalog of another tap": _file("catalog", json.dumps(_OTHER_CATALOG)),
    "a state of another tap": _file("state", json.dumps(_OTHER_STATE)),
    "a whole STATE message as state": _file("state", '{"type": "STATE", "value": {"bookmarks": {}}}'),
    "two states in one file": _file("state", '{"bookmarks": {}}\n{"bookmarks": {}}\n'),
    "variables without `--config=ENV`": Mistake(
        variables={"TAP_SUMERU_API_TOKEN": "{token}"}, without=("config",)
    ),
    "a setting as variable beside a config file": _variables(TAP_SUMERU_START_DATE="2026-01-01"),
    "a misspelt variable beside a config file": _variables(TAP_SUMERU_CONCURENCY="3"),
    "a misspelt variable": _variables(_ENV, TAP_SUMERU_TOKEN="{token}"),
    "a variable with another prefix": _variables(_ENV, SUMERU_API_TOKEN="{token}"),
    "an empty variable": _variables(_ENV, TAP_SUMERU_API_TOKEN=""),
    "a folder for BATCH that cannot be written": _config(batch_config=_BATCH),
    "a target that is not installed": Mistake(pipe="| target-nowhere; exit ${PIPESTATUS[0]}"),
    "no output": Mistake(pipe=">&-"),
    "a full disk": Mistake(pipe="> /dev/full"),
}
"""By what the user did."""

WORKS: dict[str, Mistake] = {
    "a token with a line break at its end": _config(api_token="{token}\n"),
    "a slash behind the host": _config(api_url="{api}/"),
    "`/api/v1` behind the host": _config(api_url="{api}/api/v1/"),
    "a byte order mark": Mistake(files={"config": "\ufeff{config}"}),
    "numbers and truth values as text": _config(
        concurrency="3", stream_options={"orders": {"details": "no"}}
    ),
    "an empty state file": _file("state", ""),
    "an empty variable beside others": Mistake(variables={"TAP_SUMERU_SHOPS": ""}),
}
"""What is not as documented, and works."""
