"""The project that the schedulers run."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from schedulers import project as projects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[projects.Project]:
    """Return a project with a sandbox."""
    with ExitStack() as stack:
        yield projects.make(tmp_path, stack)
