"""A local server of the documented Sumeru v1 admin API, with made-up shops."""
