"""The HTTP server of the sandbox: tokens, limits, reads, writes, control endpoints, command line."""
