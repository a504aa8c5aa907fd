"""The data source as Spark requires it: a schema, partitions, and what a task reads.

Spark runs each of these in a Python process of its own: the schema and the partitions on the machine of the
driver, the reads on the executors. Options travel with the plan, so tokens belong in `shops_file`, which each
of these processes reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa
    from pyspark.sql.types import StructType


class DefaultSource(DataSource):
    """The data source `sumeru`."""

    options: Mapping[str, str]

    @classmethod
    @override
    def name(cls) -> str:
        """Return the name of the format."""
        return "sumeru"

    @override
    def schema(self) -> StructType:
        """Return the schema of raw rows, or that of a stream."""
        from pyspark_sumeru.task import schema_of  # noqa: PLC0415 - keeps the import of the package light

        return schema_of(self.options)

    @override
    def reader(self, schema: StructType) -> SumeruReader:
        """Return what reads."""
        from pyspark_sumeru.task import check_schema  # noqa: PLC0415 - as above

        check_schema(self.options, schema)
        reader = SumeruReader(self.options)
        # Spark sends this object to each task too. The state may be large, and is in the partitions.
        self.options = {name: value for name, value in self.options.items() if name.lower() != "state"}
        return reader


class ShopGroup(InputPartition):
    """The shops that one task reads.

    Args:
        shops: Their names.
        state: The state of these shops.
        read_id: Names the read that the task is a part of.
    """

    def __init__(self, shops: tuple[str, ...], state: dict[str, Any], read_id: str) -> None:
        super().__init__(None)
        self.shops = shops
        self.state = state
        self.read_id = read_id


class SumeruReader(DataSourceReader):
    """Reads the shops of a group.

    Args:
        options: The options.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = dict(options)

    @override
    def __getstate__(self) -> dict[str, Any]:
        """Leave out the state, of which each partition has its part."""
        options = {name: value for name, value in self._options.items() if name.lower() != "state"}
        return {"_options": options}

    @override
    def partitions(self) -> list[ShopGroup]:
        """Return the groups of shops."""
        from pyspark_sumeru.task import plan  # noqa: PLC0415 - as above

        return [ShopGroup(*group) for group in plan(self._options)]

    @override
    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a group."""
        from pyspark_sumeru.task import read  # noqa: PLC0415 - as above

        if not isinstance(partition, ShopGroup):
            return iter(())  # without shops, Spark makes one empty partition
        return read(self._options, partition.shops, partition.state, partition.read_id)
