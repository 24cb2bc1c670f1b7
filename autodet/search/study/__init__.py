"""The Optuna study of a search: samplers, pruners, and the database."""
