"""Readers of a message."""

from typing import Literal

Audience = Literal["terminal", "page"]  # a page has buttons where the command line has options
