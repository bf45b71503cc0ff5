"""A file's frames for several readers: each is decoded when the first of them asks for it, and handed to the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Generic, TypeVar

from ...errors import JudgeError

_T = TypeVar("_T")


class Reel(Generic[_T]):
    """What `make` yields, held as far as it was read, and as long as that is at most `limit` bytes.

    `length_of` is an item's length in bytes. `grown` is told, with the reel, of each length that is held, and None once
    nothing is held any more. A JudgeError that ends it ends it for each reader at the same place.
    """

    def __init__(
        self,
        make: Callable[[], Iterator[_T]],
        length_of: Callable[[_T], int],
        limit: int,
        grown: Callable[[Reel[_T], int | None], None],
    ) -> None:
        self._make, self._length_of, self._room, self._grown = make, length_of, limit, grown
        self._source: Iterator[_T] | None = None
        self._held: list[_T] | None = []
        self._ended = False
        self._error = ""

    def __iter__(self) -> Iterator[_T]:
        at = 0
        while self._held is not None:
            if at == len(self._held) and not self._ended:
                rest = self._advance()
                if rest is not None:
                    yield from rest
                    return
            if at == len(self._held):
                if self._error:
                    raise JudgeError(self._error)
                return
            yield self._held[at]
            at += 1
        yield from islice(self._make(), at, None)

    def _advance(self) -> Iterator[_T] | None:
        """Hold one more. What there is from here on, where it is more than can be held."""
        assert self._held is not None
        if self._source is None:
            self._source = self._make()
        try:
            for item in self._source:
                self._room -= self._length_of(item)
                if self._room < 0:
                    return self._rest(item)
                self._held.append(item)
                self._grown(self, self._length_of(item))
                return None
        except JudgeError as error:
            self._error = error.message
        except BaseException:
            self._forget()
            raise
        self._ended, self._source = True, None
        return None

    def _rest(self, item: _T) -> Iterator[_T]:
        source = self._source
        assert source is not None
        self._forget()

        def rest() -> Iterator[_T]:
            yield item
            yield from source

        return rest()

    def _forget(self) -> None:
        self._held = self._source = None
        self._grown(self, None)
