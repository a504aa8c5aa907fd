"""The settings as the user sees them: the one description that `--about`, Meltano and the README share."""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

from sumeru_api.shop import API_URL
from tap_sumeru.catalog.streams import STREAMS

# As text too: that is how an environment variable brings a fraction through Meltano.
_NUMBER = th.CustomType({"type": ["number", "string", "null"]})

_SHOP = th.ObjectType(
    th.Property(
        "shop", th.StringType, required=True, title="Shop", description="Name that its rows are filed under."
    ),
    th.Property(
        "api_token",
        th.StringType,
        required=True,
        secret=True,
        title="API token",
        description="The shop's token.",
    ),
    th.Property(
        "api_url", th.StringType, title="API URL", description="Host of this shop, if not that of the others."
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Where this shop's first sync begins, if not where the others' do.",
    ),
)

_OPTIONS = th.ObjectType(
    th.Property(
        "filters",
        th.ObjectType(additional_properties=True),
        title="Filters",
        description='Attribute filters, such as `{"lifecycle_stage": "loyal"}`.',
    ),
    th.Property(
        "include",
        th.ArrayType(th.StringType),
        title="Include",
        description="Related resources to ask for; default `touchpoints` for attribution, else none.",
    ),
    th.Property(
        "details",
        th.BooleanType,
        title="Details",
        description="Complete every row from its own endpoint, at one request a row.",
    ),
    th.Property(
        "replication_key",
        th.StringType,
        title="Replication key",
        description="Field by which changes are found, if not the stream's own.",
    ),
    th.Property(
        "date_filter",
        th.CustomType({"type": ["array", "null"], "items": {"type": "string"}}),
        title="Date filter",
        description="Names of the two parameters that bound a read by date, or an empty list for none.",
    ),
    th.Property(
        "lookback_days",
        _NUMBER,
        title="Lookback (days)",
        description="As the setting of that name, for this stream.",
    ),
    th.Property(
        "window_days",
        th.IntegerType,
        title="Window (days)",
        description="As the setting of that name, for this stream.",
    ),
    additional_properties=False,
)

_LIST = th.PropertiesList(
    th.Property(
        "api_token",
        th.StringType,
        secret=True,
        title="API token",
        description="Token of the shop, `copt_live_…` or `copt_test_…`. For several shops use `shops`.",
    ),
    th.Property(
        "shop",
        th.StringType,
        default="default",
        title="Shop",
        description="Name that the shop's rows are filed under.",
    ),
    th.Property(
        "shops",
        th.ArrayType(_SHOP),
        secret=True,
        title="Shops",
        description="Several shops in one run, instead of `api_token`: "
        "a list of `{shop, api_token, api_url?, start_date?}`.",
    ),
    th.Property(
        "shops_file",
        th.StringType,
        title="Shops file",
        description="Path of a JSON file that holds the list of `shops`.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default=API_URL,
        title="API URL",
        description="Host of the API; the EU host is `https://eu.api.sumeru.systems`. "
        "Plain `http` is accepted for loopback only.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start date",
        description="Where the first sync begins; without it, the whole history is read.",
    ),
    th.Property(
        "end_date",
        th.DateTimeType,
        title="End date",
        description="Where the sync ends, exclusive; for a bounded backfill.",
    ),
    th.Property(
        "lookback_days",
        _NUMBER,
        title="Lookback (days)",
        description="How far behind the bookmark each sync reads again; "
        "default 7 for attribution, 2 for usage, an hour for all others.",
    ),
    th.Property(
        "window_days",
        th.IntegerType,
        default=30,
        title="Window (days)",
        description="Length of the windows that a long range is cut into. While requests wait for their "
        "turn, those that hold little are followed by longer ones, up to twelve times as long.",
    ),
    th.Property(
        "concurrency",
        th.IntegerType,
        default=8,
        title="Concurrency",
        description="Requests in flight per shop, at most.",
    ),
    th.Property(
        "rate_limit_share",
        _NUMBER,
        default=1.0,
        title="Rate limit share",
        description="Share of the shop's rate limit that the tap may use, above 0 and at most 1, "
        "so that other integrations keep theirs.",
    ),
    th.Property(
        "request_timeout_seconds",
        _NUMBER,
        default=60,
        title="Request timeout (seconds)",
        description="How long an answer may stay silent; connecting may take 10 seconds.",
    ),
    th.Property(
        "max_retries",
        th.IntegerType,
        default=5,
        title="Retries",
        description="Tries after the first one; waiting out a 429 is not a try.",
    ),
    th.Property(
        "on_error",
        th.StringType,
        default="continue",
        allowed_values=["continue", "stop"],
        title="On error",
        description="What a failed stream or shop does to the rest.",
    ),
    th.Property(
        "stream_options",
        th.ObjectType(*(th.Property(name, _OPTIONS) for name in STREAMS), additional_properties=False),
        title="Stream options",
        description="Options by stream name: `filters`, `include`, `details`, `replication_key`, "
        "`date_filter`, `lookback_days`, `window_days`.",
    ),
    th.Property(
        "shard",
        th.StringType,
        title="Shard",
        description="`i/n`, such as `2/8`: read only the shops of this shard, "
        "so that several processes share them.",
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User agent",
        description="Added to the tap's own User-Agent.",
    ),
)

CONFIG_SCHEMA: dict[str, Any] = _LIST.to_dict()
"""JSON Schema of the config."""
