"""The web server: how the app listens, and to whom it answers."""
