"""Quality metrics of a model."""
