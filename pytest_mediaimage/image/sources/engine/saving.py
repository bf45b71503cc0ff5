"""What an engine gives when it is asked to save an image: a tar, in a stream that comes in no useful order."""

from __future__ import annotations

import http.client
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from ....engine.connect import Engine
from ....engine.faults import fault
from ....engine.http import EngineHttp, EngineStream, Refused
from ....errors import CorruptImage, EngineUnavailable, EnvironmentFault
from ...digest import Digest
from ...tar import Member, TarReader

# Docker up to 27 writes the whole image into a temporary directory before the first byte comes.
_SILENCE = 900.0
_PEEKED = 512


def api_path(engine: Engine) -> str:
    """Where the engine's API begins, in the version that it speaks."""
    return f"/v{'.'.join(map(str, engine.api_version))}"


@dataclass(frozen=True, slots=True)
class Request:
    """One way to ask: the path and the parameters of a GET."""

    path: str
    query: Mapping[str, str]


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class Saving:
    """Saves one image, as often as it is asked to. `requests` are tried until the engine accepts one."""

    def __init__(self, engine: Engine, identity: Digest, name: str, requests: Sequence[Request]) -> None:
        self._engine = engine
        self._identity = identity
        self._name = name
        self._requests = requests

    def members(self) -> Generator[tuple[Member, SavedFile], None, None]:
        """The members of the tar, each with its content, which is to be read before the next is asked for.

        Raises EnvironmentFault where the engine refuses, breaks off, or has lost the image.
        """
        with closing(self._open()) as stream:
            reader = TarReader(stream, where=f"what {self._engine.product.the} saves of {self._name}")
            members = iter(reader)
            while True:
                try:
                    member = next(members, None)
                except (CorruptImage, OSError, ValueError, http.client.HTTPException) as error:
                    raise self.lost(error) from error
                if member is None:
                    return
                yield member, SavedFile(reader, self)

    def _open(self) -> _Stream:
        refusal: Refused | None = None
        for request in self._requests:
            try:
                return self._ask(request)
            except Refused as error:
                refusal = error
            except (OSError, http.client.HTTPException) as error:
                raise self.lost(error) from error
        assert refusal is not None
        raise (self._gone() or fault(f"save {self._name}", refusal, self._engine.product)) from refusal

    def _ask(self, request: Request) -> _Stream:
        try:
            engine = EngineHttp(self._engine.endpoint)
        except ValueError:  # over ssh only docker-py finds the way
            return _Chunks(self._engine.client.api.get_image(self._identity, chunk_size=1 << 20))
        stream: EngineStream = engine.stream(request.path, request.query, timeout=_SILENCE)
        return stream

    def lost(self, error: Exception) -> EnvironmentFault:
        """What it means that the stream broke off with `error`."""
        return self._gone() or EngineUnavailable(
            f"{self._engine.product.the} broke off while it saved {self._name}: {error}",
            remedy="Look into the engine's log; it needs room for the whole image in its temporary directory.",
        )

    def _gone(self) -> EngineUnavailable | None:
        """That the image isn't in the engine any more, or the engine not there; None where both are."""
        from docker.errors import DockerException, ImageNotFound
        from requests.exceptions import RequestException

        product = self._engine.product
        try:
            self._engine.client.api.inspect_image(self._identity)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return EngineUnavailable(
                f"{self._name} was removed from {product.the} while it was read",
                remedy="Let nothing prune or replace images during a run, and repeat it.",
            )
        except (DockerException, RequestException, OSError) as error:
            return EngineUnavailable(
                f"{product.the} stopped answering while {self._name} was read from it: {error}",
                remedy=f"Look into the engine's log, start it again (`{product.start}`), and repeat the run.",
            )
        return None


class SavedFile:
    """The content of a member."""

    def __init__(self, reader: TarReader, saving: Saving) -> None:
        self._chunks = reader.chunks()
        self._saving = saving
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end. Raises EnvironmentFault."""
        if not self._rest:
            self._rest = self._next()
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def peek(self) -> bytes:
        """The first bytes, without taking them: 512, where there are as many."""
        while len(self._rest) < _PEEKED and (chunk := self._next()):
            self._rest += chunk
        return self._rest[:_PEEKED]

    def read_all(self) -> bytes:
        pieces = [self._rest]
        while piece := self._next():
            pieces.append(piece)
        self._rest = b""
        return b"".join(pieces)

    def _next(self) -> bytes:
        try:
            return next(self._chunks, b"")
        except (CorruptImage, OSError, ValueError, http.client.HTTPException) as error:
            raise self._saving.lost(error) from error


class _Chunks:
    """An iterator of chunks as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def read(self, size: int, /) -> bytes:
        return next(self._chunks, b"")

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close:
            close()
