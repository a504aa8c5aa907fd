"""The streams that the tap offers, and the schema of each."""
