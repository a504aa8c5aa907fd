"""Related resources of a response, from its top-level `included`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_Key = tuple[str, str]


class Included:
    """The related resources of one response; it knows which of them something links to.

    Args:
        resources: The resources as the API sent them.
    """

    def __init__(self, resources: Iterable[object] = ()) -> None:
        self._resources = list(resources)
        self._by_key = {_key(one): one for one in self._resources if isinstance(one, dict) and "id" in one}
        self._linked: set[_Key] = set()

    @classmethod
    def of(cls, content: object) -> Included:
        """Return the resources in the member `included` of a response, whatever it holds."""
        if content in (None, [], {}):
            return cls()
        return cls(content if isinstance(content, list) else [content])

    def __bool__(self) -> bool:
        return bool(self._resources)

    def link(self, reference: dict[str, Any]) -> dict[str, Any] | None:
        """Return the resource that a reference links to, None if it is not there."""
        key = _key(reference)
        found = self._by_key.get(key)
        if found is not None:
            self._linked.add(key)
        return found

    def unlinked(self) -> list[object]:
        """Return resources that no reference points to, and differing duplicates of linked ones."""
        return [one for one in self._resources if not self._is_linked(one)]

    def _is_linked(self, resource: object) -> bool:
        """Return whether something links to a resource, or to an equal one."""
        key = _key(resource) if isinstance(resource, dict) else None
        return key in self._linked and resource == self._by_key[key]


def _key(resource: dict[str, Any]) -> _Key:
    return str(resource.get("type", "")), str(resource.get("id"))
