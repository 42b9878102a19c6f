"""Two workers at once, and workers that die: what the database must keep straight."""
