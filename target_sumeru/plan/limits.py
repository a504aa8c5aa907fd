"""The limits of a plan: what exceeds one is not written at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_sumeru.errors import SettingsError
from tap_sumeru.sync.wording import count
from target_sumeru.errors import LimitExceeded
from target_sumeru.plan.items import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from target_sumeru.config.settings import Settings
    from target_sumeru.plan.items import Group


def check_limits(groups: Sequence[Group], settings: Settings) -> None:
    """Check the number and the share of rows that would be written.

    Raises:
        LimitExceeded: There are too many.
    """
    writes = sum(group.writes for group in groups)
    if writes > settings.max_writes:
        raise LimitExceeded(
            f"max_writes: the plan writes {count(writes, 'row')}, and {settings.max_writes} are allowed."
        )
    if settings.max_changed_share is None:
        return
    for stream in dict.fromkeys(group.stream for group in groups):
        changed = sum(group.writes for group in groups if group.stream == stream)
        rows = sum(group.rows for group in groups if group.stream == stream)
        if changed > settings.max_changed_share * rows:
            share = f"{settings.max_changed_share:.1%}"
            raise LimitExceeded(
                f"max_changed_share: {stream}: the plan writes {changed} of {count(rows, 'row')}, "
                f"and {share} are allowed."
            )


def check_ledger(groups: Iterable[Group], settings: Settings) -> None:
    """Check that there is a ledger if the plan creates or launches something.

    Raises:
        SettingsError: There is none.
    """
    if settings.ledger_path:
        return
    for group in groups:
        for item in group.items:
            if item.writes and item.operation in (Operation.CREATE, Operation.LAUNCH):
                raise SettingsError(
                    f"ledger_path: is missing. To {item.operation} {group.stream} only once, "
                    "the target must remember them between runs."
                )
