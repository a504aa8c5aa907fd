"""From the sandbox through the tap and an unmodified target into a warehouse, and every value read back."""
