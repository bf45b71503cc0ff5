"""Words that several checks of the family say."""

from __future__ import annotations

LOCAL = "test the build's own output: docker buildx build --output type=oci,dest=image.tar"
LISTED = 20


def joined(items: list[str], most: int = 5) -> str:
    """A few items, and how many more there are."""
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
