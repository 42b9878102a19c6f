"""Use cases, on a real database and real servers."""
