"""Tests of the Spark data source, with real Spark."""
