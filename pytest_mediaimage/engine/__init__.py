"""Container engines: where they are, how they are spoken to, and what their errors mean.

For the sources of images and for the runtimes; of the standard library until an engine is connected to.
"""
