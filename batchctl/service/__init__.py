"""Use cases; each owns its transactions, and no network call happens inside one."""
