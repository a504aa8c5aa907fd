"""Log lines of a run: the plan, the outcome of the rows, and the failures."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from sumeru_api.errors import (
    ApiError,
    ApiUnavailable,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    ProxyFailed,
    RateLimited,
    Redirected,
    UntrustedHost,
)
from tap_sumeru.sync.wording import count
from target_sumeru.config.streams import STREAMS
from target_sumeru.plan.items import Operation, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_sumeru.apply.results import Results
    from target_sumeru.plan.items import Group, Item

logger = logging.getLogger("target-sumeru")

_UNAUTHENTICATED = 401
_VERBS = {
    Operation.UPDATE: "change",
    Operation.CREATE: "create",
    Operation.ADOPT: "adopt",
    Operation.LAUNCH: "launch",
}
_ADVICE: Mapping[type[ApiError], str] = {
    AuthenticationError: "Put a valid token in `api_token` (or the shop's entry): Settings → API tokens in "
    "Sumeru.",
    PermissionDenied: "Grant `{scope}` to the token in Settings → API tokens.",
    NotFound: "Check `api_url`; if it is right, this shop's API does not have the resource.",
    Redirected: "No redirect is followed, because the token would go along: set `api_url` to the final host.",
    RateLimited: "Run again later, or lower `rate_limit_share` if other integrations use the token.",
    UntrustedHost: "Check `api_url` and the network of this machine.",
    ProxyFailed: "Check the proxy settings of this machine: HTTPS_PROXY, ALL_PROXY and NO_PROXY.",
    ApiUnavailable: "Check `api_url` and the network, then run again: what was not written is sent again.",
    ApiError: "Run again; if the error persists, contact Sumeru's support with the request id.",
}
REASONS: Mapping[str, str] = {
    "ambiguous": "several rows of the shop match; make the value unique or use `id`",
    "audience_unknown": "the API does not state the size of an audience, so nothing is launched",
    "cannot_update": "it exists with other values, and the API cannot change it; do that in Sumeru",
    "conflict": "the API knows the request with another content; run again after 24 hours",
    "tags_unreadable": "the API does not show the tags as a list of texts, so none can be added or removed",
    "contradiction": "`tags` cannot be combined with `add_tags` or `remove_tags`",
    "dependency": "the row that it depends on was not written",
    "failed": "the shop or the stream could not be written",
    "launch_off": "`launch` is not set, so nothing is launched",
    "launch_unclear": "the API does not say whether it was launched before, so it is not",
    "list_unreadable": "the list of the API could not be read",
    "missing_key": "no column identifies the row",
    "not_allowed": "the column is protected; add it to `allow` if it may be changed",
    "not_due": "`requested_at` is in the future",
    "not_found": "the shop has no such row",
    "not_written": "the API accepted the request without writing the row",
    "outcome_unknown": "no answer says whether it was written",
    "refused": "the API refused it",
    "request_failed": "a request that it needs failed, so nothing was sent",
    "required": "a column that is needed is missing",
    "several_names": "several rows of the input are the same row of the shop; identify it by the same column",
    "stale": "`requested_at` is more than 24 hours old, so nothing is launched",
    "stopped": "the run stopped before",
    "too_many_campaigns": "more launches than `launch.max_campaigns`, so nothing is launched",
    "too_many_recipients": "more recipients than `launch.max_recipients`, so nothing is launched",
    "unknown_shop": "no shop of the settings has this name",
    "without_id": "the row of the shop that matches has no id, so it cannot be written",
    "wrong_type": "a value has another type than its column",
}
"""What each reason of the report means."""


def plan_lines(groups: Sequence[Group]) -> list[str]:
    """Return what a plan would do, a line for each stream of each shop."""
    lines = []
    for group in groups:
        verbs = Counter(item.operation for item in group.items if item.status is Status.PLANNED)
        parts = [f"{verbs[one]} to {verb}" for one, verb in _VERBS.items() if verbs[one]]
        rejected = sum(item.status is not Status.PLANNED for item in group.items)
        parts += [f"{group.unchanged} unchanged"] if group.unchanged else []
        parts += [f"{rejected} cannot be written"] if rejected else []
        shop = f"Shop {group.shop}: " if group.shop else ""
        text = ", ".join(parts) or "nothing to do"
        lines.append(f"{shop}{group.stream}: {count(group.rows, 'row')}: {text}.")
    return lines


def log_results(results: Results) -> None:
    """Log what became of the rows, and then why some were not written."""
    for stream, counts in results.counts.items():
        logger.info("%s: %s.", stream, ", ".join(f"{number} {status}" for status, number in counts.items()))
    log_reasons(results.reasons)


def log_reasons(reasons_by_stream: Mapping[str, Mapping[str, int]]) -> None:
    """Log why rows are not written.

    Args:
        reasons_by_stream: Rows by stream and reason.
    """
    for stream, reasons in reasons_by_stream.items():
        for reason, number in reasons.items():
            meaning = REASONS.get(reason.partition(" ")[0], "")
            logger.error("%s: %s not written (%s): %s.", stream, count(number, "row"), reason, meaning)


def advice(error: ApiError, scope: str) -> str:
    """Return an error with what to do about it.

    Args:
        error: The error.
        scope: Scope that the request needs.
    """
    # A write in doubt that ends with 401 is an `OutcomeUnknown`; the token is what must be changed.
    known = AuthenticationError if error.status == _UNAUTHENTICATED else type(error)
    kind = next(kind for kind in known.__mro__ if kind in _ADVICE)
    return f"{error.describe()}. {_ADVICE[kind].format(scope=scope)}"


def log_api_error(shop: str, stream: str, error: ApiError) -> None:
    """Log why a shop, or a stream of it, failed, and what to do."""
    scope = STREAMS[stream].scope if stream else ""
    logger.error("Shop %s: %s%s", shop, f"{stream}: " if stream else "", advice(error, scope))


def log_list_errors(groups: Iterable[Group]) -> None:
    """Log which lists could not be read, and what to do."""
    for group in groups:
        if group.error is not None:
            text = advice(group.error, STREAMS[group.stream].reading_scope)
            logger.error("Shop %s: %s: the list cannot be read: %s", group.shop, group.stream, text)


def launch_lines(items: Iterable[Item]) -> list[str]:
    """Return the launches of a plan for a person: name, audience, and the total."""
    launches = [item for item in items if item.operation is Operation.LAUNCH]
    lines = ["Launches:"] if launches else []
    for item in launches:
        audience = "unknown" if item.audience is None else f"{item.audience}"
        refused = "" if item.status is Status.PLANNED else f"  (not launched: {item.reason})"
        lines.append(f"  {item.name or 'a campaign'}: audience {audience}{refused}")
    if launches:
        total = sum(item.audience or 0 for item in launches if item.status is Status.PLANNED)
        lines.append(f"  total: {total}")
    return lines
