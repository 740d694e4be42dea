"""Loopback brokers: servers that speak a venue's own wire at the socket and can be told to misbehave."""
