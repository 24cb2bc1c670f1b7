"""Running a search: the supervisor, its time budget, out-of-memory retries, the best model, the final refit."""
