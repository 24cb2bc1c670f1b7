"""The version of autodet."""

__version__ = "0.1.0"
