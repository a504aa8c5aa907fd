"""From rows of the API to records of a stream: `RecordShaper.shape_page` is the only door."""

from tap_sumeru.records.shaped_page import ShapedPage
from tap_sumeru.records.shaping import RecordShaper

__all__ = ["RecordShaper", "ShapedPage"]
