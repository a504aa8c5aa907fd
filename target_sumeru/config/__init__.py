"""Settings and the table of streams: described once, checked once, then frozen."""
