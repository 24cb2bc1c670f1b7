"""Reports to hand out: what a model finds, what it was not measured on, and how to use it, as one HTML file."""
