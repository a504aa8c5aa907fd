"""Singer messages and BATCH files on their way to the target."""
