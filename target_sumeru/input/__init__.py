"""From lines of input to rows in the spool."""
