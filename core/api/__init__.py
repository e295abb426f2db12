"""The HTTP API, on the Unix socket and on TCP."""
