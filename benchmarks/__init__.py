"""Benchmarks behind the figures of the README and of docs/experiments; run by hand, never timed by a test."""
