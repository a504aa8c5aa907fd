"""Unknown names in settings and catalogs: an error if one resembles a known name, otherwise a warning."""

from __future__ import annotations

import logging
from difflib import get_close_matches
from typing import TYPE_CHECKING

from tap_sumeru.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger("tap-sumeru")

_CUTOFF = 0.75
"""Ratio, as `difflib` computes it, from which two names resemble each other."""
_MAX_LENGTH = 100


def resembling(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that a name resembles most, None if it resembles none.

    Upper and lower case, and the characters between words, make no difference.
    """
    by_letters = {_letters(one): one for one in known}
    close = get_close_matches(_letters(name), by_letters, n=1, cutoff=_CUTOFF)
    return by_letters[close[0]] if close else None


def not_extended(name: str, known: Iterable[str]) -> list[str]:
    """Return the known columns without those that a name extends: `address_json` is no misspelt `address`."""
    words = set(name.split("_"))
    return [one for one in known if not set(one.split("_")) < words]


def _letters(name: str) -> str:
    return "".join(letter for letter in name[:_MAX_LENGTH].casefold() if letter.isalnum())


def reject_misspelt(where: str, name: str, known: Iterable[str], kind: str) -> None:
    """Reject a name that resembles a known one.

    Args:
        where: The place of the name, for the message; what a user may have written there is masked.
        name: The name.
        known: The known names.
        kind: What the name stands for, such as `stream`.

    Raises:
        SettingsError: The name resembles a known one.
    """
    meant = resembling(name, known)
    if meant is not None:
        raise SettingsError(f"{where}: unknown {kind}. Did you mean {meant}?")


def check_name(
    where: str, name: str, known: Iterable[str], kind: str, effect: str = "it has no effect"
) -> None:
    """Accept a known name, reject one that resembles a known name, and warn of any other.

    Args:
        where: The place of the name, for the message; what a user may have written there is masked.
        name: The name.
        known: The known names.
        kind: What the name stands for, such as `stream`.
        effect: What an unknown name leads to, for the warning.

    Raises:
        SettingsError: The name resembles a known one.
    """
    known = set(known)
    if name not in known:
        reject_misspelt(where, name, known, kind)
        logger.warning("%s: unknown %s; %s.", where, kind, effect)
