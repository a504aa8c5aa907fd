"""The bulk loader in the place of a target: its pipeline, and what it makes of a value."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from warehouses.conftest import Pipeline
from warehouses.lives import ReadPosition
from warehouses.warehouse import Postgres

if TYPE_CHECKING:
    from sumeru_sandbox import Sandbox
    from warehouses.warehouse import Json

PROGRAM = [sys.executable, "-m", "tap_sumeru.bulk"]


class BulkPostgres(Postgres):
    """PostgreSQL as the bulk loader fills it: as the target does, but with every number exact."""

    @override
    def lands(self, value: Any, column: Json) -> Any:
        return super().lands(value, {**column, "type": [one for one in column["type"] if one != "number"]})


class BulkPipeline(Pipeline):
    """The tap, a pipe, and the bulk loader with the config of the target."""

    @override
    def program(self) -> list[str]:
        return [*PROGRAM, "postgres"]


class BulkPosition(ReadPosition):
    """Where a life takes place whose rows the bulk loader loads."""

    @override
    def pipeline(self, sandbox: Sandbox, *shops: str) -> Pipeline:
        pipeline = super().pipeline(sandbox, *shops)
        return BulkPipeline(pipeline.tap, pipeline.warehouse, pipeline.schema)
