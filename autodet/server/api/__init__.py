"""The HTTP API: models, and predictions on photos that programs send."""
