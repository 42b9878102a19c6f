"""Facts and decisions."""
