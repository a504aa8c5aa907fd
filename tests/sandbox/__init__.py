"""Tests of the sandbox API server."""
