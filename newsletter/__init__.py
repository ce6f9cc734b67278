"""Trending papers in your inbox: a personal digest of each day's new AI papers."""

__version__ = "0.1.0"
