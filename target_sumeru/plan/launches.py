"""The locks of a launch: checks that must pass when a run is planned, and again before the first launch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sumeru_api import timestamps
from target_sumeru.ledger import DONE, SENT
from target_sumeru.plan.decisions import KEY_LIFETIME, Decision, Reject, Unchanged, Write
from target_sumeru.plan.items import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_sumeru.config.settings import LaunchLimits
    from target_sumeru.ledger import Entry
    from target_sumeru.plan.items import Current

_MAX_AGE = 24 * 3600
"""Seconds for which a request to launch is valid."""
_MAX_AHEAD = 300
"""Seconds by which two clocks may differ."""


class Campaign(NamedTuple):
    """What a launch must know of a campaign.

    Attributes:
        api_id: Its id.
        launched: Whether it has been launched, by whomever.
        audience: Recipients, None if unknown.
        name: Its name.
        clear: Whether the API says clearly that it has or has not been launched: by a time or by null.
    """

    api_id: str
    launched: bool
    audience: int | None
    name: str
    clear: bool = True

    @property
    def can_be_launched(self) -> bool:
        """Whether the API says that it has not been launched, and states its audience."""
        return self.clear and not self.launched and self.audience is not None

    @classmethod
    def of(cls, current: Current) -> Campaign:
        """Return the campaign in a row of the API."""
        attributes = current.attributes
        audience = attributes.get("audience_size")
        known = isinstance(audience, int) and not isinstance(audience, bool) and audience >= 0
        at = attributes.get("launched_at", "")
        launched = isinstance(at, str) and timestamps.parse(at) is not None
        name = str(attributes.get("name") or "")
        return cls(current.api_id, launched, audience if known else None, name, launched or at is None)


def decide_launch(  # noqa: PLR0911 - one return for each case
    requested_at: object, entry: Entry | None, campaign: Campaign | None, now: float, *, pending: bool = False
) -> Decision:
    """Return what becomes of a row that asks for a launch.

    Args:
        requested_at: When the launch was asked for.
        entry: What the ledger knows about this launch.
        campaign: The campaign, None if it does not exist.
        now: Unix seconds by the API's clock.
        pending: Whether the campaign is to be created before.
    """
    if entry is not None and entry.status == DONE:
        return Unchanged()
    if campaign is None and not pending:
        return Reject("not_found")
    if campaign is not None and campaign.launched:
        return Write(Operation.ADOPT, {}, campaign.api_id)
    sent = entry is not None and entry.status == SENT
    if sent and entry is not None and now - entry.sent_at >= KEY_LIFETIME:
        return Reject("outcome_unknown")
    if campaign is not None and not campaign.clear:
        return Reject("outcome_unknown" if sent else "launch_unclear", "launched_at")
    moment = timestamps.parse(requested_at) if isinstance(requested_at, str) else None
    if moment is None:
        return Reject("required", "requested_at")
    age = now - moment.timestamp()
    if age >= _MAX_AGE:
        return Reject("outcome_unknown" if sent else "stale", "requested_at")
    if age < -_MAX_AHEAD:
        return Reject("not_due", "requested_at")
    generation = entry.generation if entry else 0
    api_id = campaign.api_id if campaign else ""
    return Write(Operation.LAUNCH, {}, api_id, generation, sent_before=sent)


def over_limit(audiences: Iterable[int | None], limits: LaunchLimits | None) -> str:
    """Return why these campaigns must not be launched, empty if they may be.

    Args:
        audiences: Recipients of each campaign, None if unknown.
        limits: What a run may launch, None for nothing.
    """
    sizes = list(audiences)
    if not sizes:
        return ""
    if limits is None:
        return "launch_off"
    if len(sizes) > limits.max_campaigns:
        return "too_many_campaigns"
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return "audience_unknown"
    return "too_many_recipients" if sum(known) > limits.max_recipients else ""
