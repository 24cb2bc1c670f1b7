"""What is wrong with a source, and what is done about it, before it is imported."""
