"""One module for each contestant; each runs in a process, and a peer in an environment, of its own."""
