"""Singer target for the Sumeru v1 admin API: rows of the warehouse become writes to the shop."""
