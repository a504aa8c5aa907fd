"""The streams of the tap and their schemas."""
