"""Transcodes in the image: its cases, on software and on hardware paths, and how it behaves as a worker."""
