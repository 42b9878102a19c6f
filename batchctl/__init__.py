"""batchctl runs paid, asynchronous batches of generation jobs on PostgreSQL."""

__version__ = "0.1.0"
