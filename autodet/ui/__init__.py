"""Components of the browser app's pages."""
