"""The database of the original worker, built from its description, and that worker's hands on it."""
