"""What becomes of personal columns, and the salted hashes of their values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from simplejson import RawJSON

from tap_sumeru.errors import SettingsError


@dataclass(frozen=True, slots=True)
class PrivateColumns:
    """What becomes of the personal columns of one stream.

    Attributes:
        hidden: The columns that are hashed or left out, without `extra`.
        own: Columns that the user's stream maps derive from personal ones.
        deselected: The columns that are left out as if the catalog did not select them; empty if stream maps
            do the work, which is slower.
    """

    hidden: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    deselected: frozenset[str] = frozenset()


def check_seed(how: str, map_config: object) -> None:
    """Check that there is a salt for hashes.

    Raises:
        SettingsError: There is none.
    """
    if how == "hash":
        seed = map_config.get("hash_seed") if isinstance(map_config, Mapping) else None
        if not isinstance(seed, str) or not seed.strip():
            need = "hash needs a salt, or anyone can guess the values"
            advice = "Set `stream_map_config.hash_seed` to a long random text that only you know."
            raise SettingsError(f"pii: {need}. {advice}")


def hashed(value: object, seed: str) -> str:
    """Return the salted hash of a value, in hex: of a text as it is, of anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=_as_text)
    return hashlib.sha256((seed + text).encode("utf-8", "surrogatepass")).hexdigest()


def _as_text(value: object) -> str:
    return str(value.encoded_json) if isinstance(value, RawJSON) else str(value)
