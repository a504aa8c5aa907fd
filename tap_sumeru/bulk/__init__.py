"""Bulk loading: loads the tap's output into warehouses without a Singer target, for large backfills."""
