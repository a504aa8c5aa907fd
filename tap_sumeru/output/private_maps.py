"""The setting `pii`: stream maps that hash or leave out personal columns, under those of the user."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import CustomStreamMap, SameRecordTransform

from tap_sumeru.errors import SettingsError
from tap_sumeru.output.private_columns import PrivateColumns, hashed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from singer_sdk.mapper import PluginMapper, StreamMap

_HASH = "hash_personal"
"""Name of our function in the expressions of the stream maps."""
_SOURCE = "__source__"
_ELSE = "__else__"
_KEY = "__key_properties__"
_NULL = (None, "__NULL__")
_RECORD = frozenset({"_", "record"})

Rules = dict[str, str | None]


class PrivateMaps:
    """Adds the rules of the setting `pii` to the stream maps of the SDK.

    Args:
        mapper: The SDK's mapper, with the user's maps.
        how: The setting: `hash` or `drop`.
    """

    def __init__(self, mapper: PluginMapper, how: str) -> None:
        self._mapper = mapper
        self._how = how
        self._users = dict(mapper.stream_maps_dict)
        self._rules: dict[str, Rules] = {}

    def prepare(
        self, stream: str, personal: Sequence[str], selected: Collection[str], keys: Sequence[str]
    ) -> PrivateColumns:
        """Add rules to the user's maps of a stream, before the SDK resolves them.

        Args:
            stream: Name of the stream.
            personal: Its personal columns.
            selected: Its selected columns.
            keys: Its key.

        Raises:
            SettingsError: A key would be left out.
        """
        hidden = tuple(name for name in personal if name in selected)
        rules: Rules = {name: _hash_of(name) if self._how == "hash" else None for name in hidden}
        if "extra" in selected:
            rules["extra"] = None
        maps = {name: one for name, one in self._users.items() if _applies(name, one, stream)}
        self._mapper.stream_maps_dict = {
            name: _merged(stream, one, rules, keys) if isinstance(one, Mapping) else one
            for name, one in maps.items()
        }
        if not maps:
            _check_keys(stream, rules, keys)
            if not any(rules.values()):
                return PrivateColumns(hidden, deselected=frozenset(rules))
        self._rules[stream] = rules
        return _outcome(hidden, rules, maps.values())

    def complete(self, stream: str) -> None:
        """Give rules to the stream itself, if no map of the user does, once the SDK has resolved the maps."""
        rules = self._rules.get(stream)
        if rules is None:
            return
        resolved = self._mapper.stream_maps[stream]
        resolved[:] = [self._with_rules(one, rules) for one in resolved]
        seed = str(self._mapper.map_config["hash_seed"]) if self._how == "hash" else ""
        for one in resolved:
            if isinstance(one, CustomStreamMap):
                one.expr_evaluator.functions[_HASH] = lambda value: hashed(value, seed)

    def _with_rules(self, stream_map: StreamMap, rules: Rules) -> StreamMap:
        if not isinstance(stream_map, SameRecordTransform):
            return stream_map
        return CustomStreamMap(
            stream_alias=stream_map.stream_alias,
            map_config=self._mapper.map_config,
            faker_config=self._mapper.faker_config,
            raw_schema=stream_map.raw_schema,
            key_properties=stream_map.raw_key_properties,
            map_transform=dict(rules),
            flattening_options=self._mapper.flattening_options,
            stream_name=stream_map.stream_alias,
        )


def _hash_of(name: str) -> str:
    # The SDK gives an expression that begins with `str(` the type string.
    return f"str({_HASH}(_[{name!r}])) if _[{name!r}] is not None else None"


def _applies(name: str, definition: object, stream: str) -> bool:
    """Return whether the SDK applies a map to a stream."""
    source = definition.get(_SOURCE, name) if isinstance(definition, Mapping) else name
    return stream == source or fnmatch(stream, source)


def _merged(stream: str, definition: Mapping[str, Any], rules: Rules, keys: Sequence[str]) -> dict[str, Any]:
    """Return a map of the user, with rules for the columns that it would emit as they are."""
    if _ELSE in definition:
        return dict(definition)
    added = {name: rule for name, rule in rules.items() if name not in definition}
    _check_keys(stream, added, definition.get(_KEY, keys) or ())
    return {**definition, **added}


def _check_keys(stream: str, rules: Rules, keys: Iterable[str]) -> None:
    for key in keys:
        if key in rules and rules[key] is None:
            advice = "Set another key, or set `pii` to `hash`."
            raise SettingsError(f"pii: cannot leave out `{key}`, a key of {stream}. {advice}")


def _outcome(hidden: tuple[str, ...], rules: Rules, maps: Collection[object]) -> PrivateColumns:
    """Return what the user's maps leave to the rules."""
    own: dict[str, None] = {}
    added = {*rules} if all(isinstance(one, Mapping) and _SOURCE in one for one in maps) else set()
    for one in maps:
        if isinstance(one, Mapping):
            own |= dict.fromkeys(column for column, made in one.items() if _is_made(column, made, rules))
            added |= set() if _ELSE in one else rules.keys() - one.keys()
    return PrivateColumns(tuple(name for name in hidden if name in added), tuple(own))


def _is_made(column: str, expression: object, rules: Rules) -> bool:
    """Return whether an expression of the user derives a column from a personal one."""
    if not isinstance(expression, str) or expression in _NULL or column.startswith("__"):
        return False
    nodes = list(ast.walk(ast.parse(expression)))
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    whole = bool(used & _RECORD) and (not texts or bool(texts & rules.keys()))
    return column in rules or whole or bool(used & rules.keys())
