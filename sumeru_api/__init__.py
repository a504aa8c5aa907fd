"""Client of the Sumeru v1 admin API: requests of one shop, paced, retried and decoded, without Singer."""
