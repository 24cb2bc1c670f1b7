"""Searches: spec, space, study, supervisor, executors."""
