"""Reads container images without running them: references, manifests, layers, and the tree they make."""
