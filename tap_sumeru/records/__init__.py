"""Shapes rows of the API into records of a stream; `RecordShaper` is the entry point."""

from tap_sumeru.records.shaped_page import ShapedPage
from tap_sumeru.records.shaping import RecordShaper

__all__ = ["RecordShaper", "ShapedPage"]
