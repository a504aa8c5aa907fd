"""Gives Python what target-sqlite needs and Python 3.10 removed; its page says so."""

import collections
import collections.abc

collections.MutableMapping = collections.abc.MutableMapping  # type: ignore[attr-defined]  # gone since 3.10
