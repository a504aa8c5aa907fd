"""Fault injection: switches that make responses and rows differ from the documented ones."""
