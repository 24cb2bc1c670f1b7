"""Components of the Models page."""
