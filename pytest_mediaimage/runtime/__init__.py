"""Runs an image: one small protocol, and a runtime for each way of doing it."""
