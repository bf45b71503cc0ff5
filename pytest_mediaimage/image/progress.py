"""What the reading of an image tells of its progress."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told by several threads at once how the reading of one image goes."""

    def begin(self, image: str, layers: int, expected: int | None) -> None:
        """`layers` are going to be read, `expected` bytes from the source, None where it doesn't say."""

    def advance(self, count: int) -> None:
        """`count` bytes more have come from the source."""

    def layer_done(self) -> None: ...

    def end(self) -> None:
        """The image is read, or it can't be."""
