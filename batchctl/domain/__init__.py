"""Facts and decisions; this package imports nothing but the standard library."""
