"""What to write, decided before the first write: compare, validate, check the limits."""
