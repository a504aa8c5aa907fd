"""Bulk loading: the output of the tap into warehouses, past the loaders, for large backfills."""
