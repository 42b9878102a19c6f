"""One typed function for each statement; it takes a connection, never commits and never decides."""
