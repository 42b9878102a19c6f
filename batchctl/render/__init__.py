"""Reports in, tables, plain text or JSON out; knows no database and no settings."""
