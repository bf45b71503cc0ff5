"""Tells whether a container image of a media workload is fit to ship."""

__version__ = "0.1.0"
