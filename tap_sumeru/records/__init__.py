"""From rows of the API to records of a stream."""
