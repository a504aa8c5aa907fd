"""The bookmarks of a sync: what they mean, and whether a state file can be used."""
