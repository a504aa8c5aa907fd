"""Faults on demand: switches that make responses and rows differ from the documented ones."""
