"""Who uses autodet, what each may change, quotas of a demo, and the log of changes."""
