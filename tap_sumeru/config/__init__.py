"""Settings of the tap: described once, checked once, then frozen."""
