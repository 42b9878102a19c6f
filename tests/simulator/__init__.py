"""Tests of the simulators, with plain sockets and http.client."""
