"""Clips whose frames carry their number, recipes to transcode them, and an independent judge of what comes out.

Import the modules by name; this one stays empty, so that naming the package costs nothing.
"""
