"""Looks at a shop without syncing it: `--check`, `--estimate`, and the samples of a discovery."""
