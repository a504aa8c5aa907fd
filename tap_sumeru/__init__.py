"""Singer tap for the Sumeru v1 admin API."""
