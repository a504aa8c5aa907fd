"""Client of the Sumeru v1 admin API."""
