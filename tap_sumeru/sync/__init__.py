"""One run of the tap: shops and streams read side by side, written, and summed up."""
