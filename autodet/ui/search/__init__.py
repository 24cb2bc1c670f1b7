"""Components of the page Train."""
