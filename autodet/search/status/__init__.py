"""Status of a search: the status file, finished trials, diagnoses, progress lines."""
