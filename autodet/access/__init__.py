"""Visitors and their roles, permission for changes, the log of changes, and quotas of a demo."""
