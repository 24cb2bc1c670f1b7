"""Benchmarks behind the README's figures; run by hand, never timed by a test."""
