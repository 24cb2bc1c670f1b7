"""The web server: its listening address and the host names it accepts."""
