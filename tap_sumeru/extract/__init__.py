"""What to read next of one stream of one shop: slices, windows, and trust in the date filter."""
