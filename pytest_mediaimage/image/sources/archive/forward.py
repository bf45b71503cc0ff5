"""Reads a compressed archive from front to back: several of its files out of one reading."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from typing import IO

from .members import Input, Place, TarMembers, content_at


class Forward:
    """Opens the files of an archive out of one reading of it, as long as they are asked for in its order.

    Not thread-safe, and each file is done with before the next is opened. An earlier file costs another reading.
    """

    def __init__(self, members: TarMembers) -> None:
        self._members = members
        self._source: Input | None = None

    def open(self, place: Place) -> AbstractContextManager[IO[bytes]]:
        """Raises CorruptImage where the archive is gone."""
        if (kept := self._members.kept(place)) is not None:
            return io.BytesIO(kept)
        if self._source is None or self._source.position > place.offset:
            self.close()
            self._source = self._members.start()
        self._source.skip(place.offset - self._source.position)
        return content_at(self._source, place, owned=False)

    def close(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None
