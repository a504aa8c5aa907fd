"""Turns a record into a row: the shop, the key, and the columns to write."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from sumeru_api.redaction import mask_name
from tap_sumeru.config.unknown_names import resembling
from target_sumeru.config.streams import STREAMS, TAG_CHANGES
from target_sumeru.errors import InputError
from target_sumeru.input.values import WrongType, as_key, converter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from target_sumeru.config.settings import Settings

logger = logging.getLogger("target-sumeru")

_METADATA = "_sdc_"
"""Singer's own columns begin so."""
_encode = msgspec.json.Encoder(order="sorted", decimal_format="number").encode
_NOT_IN_PHONES = re.compile(r"[\s().\-/]")
_NOT_IN_KEYS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, two of which separate the parts of a key, and halves of characters."""
_NOT_IN_PATHS = (".", "..")
"""As the last part of a path, these name the list or what is above it, however they are encoded."""


@dataclass(slots=True)
class Row:
    """A row to write.

    Attributes:
        stream: Stream of the target.
        shop: Name of the shop.
        key: What identifies the row in its stream and shop; unique for a row without a usable key.
        body: The columns to write, as JSON with sorted keys.
        reason: Why it is rejected, empty if it is not.
        column: The column that is to blame, empty if none is.
    """

    stream: str
    shop: str
    key: str
    body: bytes = b"{}"
    reason: str = ""
    column: str = ""


def key_of(columns: tuple[str, ...], values: Iterable[object]) -> str:
    """Return the key of a row, empty if a value cannot identify one.

    Upper and lower case make no difference in e-mail addresses, nor do spaces in phone numbers.
    """
    parts = []
    for column, value in zip(columns, values, strict=True):
        part = as_key(value)
        if not part or _NOT_IN_KEYS.search(part) or (column == "id" and part in _NOT_IN_PATHS):
            return ""
        if column == "email":
            part = part.lower()
        elif column == "phone":
            part = _NOT_IN_PHONES.sub("", part)
        parts.append(part)
    return "\x1f".join((",".join(columns), *parts))


def key_columns(key: str) -> tuple[str, ...]:
    """Return the columns of which a key is made."""
    return tuple(key.partition("\x1f")[0].split(","))


def key_values(key: str) -> tuple[str, ...]:
    """Return the values of which a key is made."""
    return tuple(key.split("\x1f")[1:])


@dataclass(slots=True)
class RowReader:
    """Reads the rows of one stream of the input.

    Args:
        stream: Stream of the target.
        settings: The settings.
        source: Name of the stream in the input.
    """

    stream: str
    settings: Settings
    source: str
    _renamed: Mapping[str, str] = field(init=False)
    _converters: Mapping[str, Any] = field(init=False)
    _identities: tuple[tuple[str, ...], ...] = field(init=False)
    _identifying: frozenset[str] = field(init=False)
    _ignored: set[str] = field(init=False)
    _named: set[str] = field(init=False, default_factory=set)
    _only_shop: str = field(init=False)

    def __post_init__(self) -> None:
        spec, mapped = STREAMS[self.stream], self.settings.streams.get(self.source)
        self._renamed = mapped.columns if mapped else {}
        match_on = self.settings.match_on.get(self.stream)
        self._identities = (match_on,) if match_on else spec.identities
        self._identifying = frozenset(name for one in self._identities for name in one)
        self._converters = {
            name: converter(schema) for name, schema in spec.columns.items() if name not in (match_on or ())
        }
        self._ignored = set(spec.read_only) - self._identifying
        # A column that could identify a row, but does not with these settings, is ignored too.
        others = {name for one in (*spec.identities, *spec.optional_match) for name in one}
        self._ignored |= others - self._identifying - set(self._converters)
        shops = self.settings.shops
        self._only_shop = next(iter(shops)) if len(shops) == 1 else ""

    def check_columns(self, columns: Iterable[str]) -> None:
        """Check the columns of a SCHEMA, and log which are ignored.

        Raises:
            InputError: A column is unknown, two columns have one name, or nothing can identify the rows.
        """
        columns = list(columns)
        self._refuse_same_name(columns)
        names = {self._renamed.get(column, column) for column in columns}
        for name in sorted(names):
            self._known(name)
        if not any(set(identity) <= names for identity in self._identities):
            needed = " or ".join(" and ".join(f"`{name}`" for name in one) for one in self._identities)
            raise InputError(f"{mask_name(self.source)}: needs the column {needed} to tell rows apart.")
        ignored = sorted(name for name in names & self._ignored if not name.startswith(_METADATA))
        if new := set(ignored) - self._named:
            self._named |= new
            logger.info(
                "%s: cannot be written and are ignored: %s.", mask_name(self.source), ", ".join(ignored)
            )

    def _refuse_same_name(self, columns: Iterable[str]) -> None:
        """Raise `InputError` if the setting gives two columns one name: it is not known which is meant."""
        taken: dict[str, str] = {}
        for column in columns if self._renamed else ():
            name = self._renamed.get(column, column)
            if not name or name in self._ignored or name.startswith(_METADATA):
                continue
            other = taken.setdefault(name, column)
            if other != column:
                source, one, two = map(mask_name, (self.source, other, column))
                raise InputError(
                    f"{source}: with `streams.{source}.columns`, {one} and {two} are both named"
                    f' {mask_name(name)}. Drop one of them: give it the name "".'
                )

    def _known(self, name: str) -> None:
        """Accept a column that is known; remember one of Singer's own as ignored."""
        if name in self._converters or name in self._identifying or name in self._ignored or name == "shop":
            return
        if not name or name.startswith(_METADATA):
            self._ignored.add(name)
            return
        known = {*self._converters, *self._identifying}
        meant = resembling(name, known)
        hint = (
            f"Did you mean {meant}?" if meant else f"Drop it with `streams.{mask_name(self.source)}.columns`."
        )
        raise InputError(f"{mask_name(self.source)}: unknown column {mask_name(name)}. {hint}")

    def read(self, record: Mapping[str, Any], line: int) -> Row:
        """Return the row of a record.

        Args:
            record: The record.
            line: Its line in the input.

        Raises:
            InputError: It has a column that is unknown, or two of one name.
        """
        self._refuse_same_name(record)
        values: dict[str, Any] = {}
        body: dict[str, Any] = {}
        reason = column = ""
        for given, value in record.items():
            name = self._renamed.get(given, given) if self._renamed else given
            convert = self._converters.get(name)
            if convert is None:
                if name in self._ignored:
                    continue
                if name not in self._identifying and name != "shop":
                    self._known(name)
                    continue
                values[name] = value
                continue
            if name in self._identifying:
                values[name] = value
            if value is None:
                if self.settings.clear_nulls and name not in TAG_CHANGES:
                    body[name] = None
                continue
            try:
                body[name] = convert(value)
            except WrongType:
                reason, column = reason or "wrong_type", column or name
        return self._row(values, body, line, reason, column)

    def _row(self, values: dict[str, Any], body: dict[str, Any], line: int, reason: str, column: str) -> Row:
        given = values.get("shop")
        shop = self._only_shop if given is None else given
        if not isinstance(shop, str) or shop not in self.settings.shops:
            return Row(self.stream, "", f"\x1f{line}", b"{}", "unknown_shop", "shop")
        for identity in self._identities:
            key = key_of(identity, [values.get(name) for name in identity])
            if key:
                break
        else:
            return Row(self.stream, shop, f"\x1f{line}", b"{}", "missing_key", self._identities[0][0])
        if reason:
            return Row(self.stream, shop, key, b"{}", reason, column)
        if "tags" in body and any(name in body for name in TAG_CHANGES):
            return Row(self.stream, shop, key, b"{}", "contradiction", "tags")
        return Row(self.stream, shop, key, _encode(body))
