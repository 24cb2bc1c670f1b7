"""Components of the Data sets page."""
