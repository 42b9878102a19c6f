"""What the program survives: real kills of real worker processes."""
