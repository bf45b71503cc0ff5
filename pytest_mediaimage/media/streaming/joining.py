"""Puts a track's segments together, as a player does: the init section, then one segment after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import JudgeError
from ..made import Made
from ..packets import Packet, packets
from .playlists import Piece, Segment, beside

#: Bounds what one track's segments may hold together, in bytes.
MAX_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Joined:
    """`path` holds the init section and all segments, `parts` the packets of each segment, in order of decoding.

    `starts` says at which byte of `path` each segment begins.
    """

    path: Path
    starts: tuple[int, ...]
    parts: tuple[tuple[Packet, ...], ...]


def missing(made: Made, playlist: str, segments: Sequence[Segment]) -> list[str]:
    """The files that a playlist names and that aren't there, as it names them."""
    names = dict.fromkeys(
        piece.name for segment in segments for piece in (segment.init, segment.piece) if piece is not None
    )
    return [name for name in names if beside(playlist, name) not in made.outputs]


def join(made: Made, playlist: str, segments: Sequence[Segment], target: Path) -> Joined:
    """Write `segments` with their init section to `target`. Raises JudgeError where one is missing, or not media."""
    if len({segment.init for segment in segments}) > 1:
        raise JudgeError(f"{playlist} changes its init section halfway, which can't be judged")
    init = segments[0].init if segments else None
    starts: list[int] = []
    with target.open("wb") as out:
        for piece in ([init] if init else []) + [segment.piece for segment in segments]:
            if piece is not init:
                starts.append(out.tell())
            data = _content(made, playlist, piece, MAX_BYTES - out.tell())
            out.write(data)
    parts: list[list[Packet]] = [[] for _ in segments]
    for packet in packets(target):
        at = bisect_right(starts, packet.position) - 1
        if at < 0:
            raise JudgeError(f"{playlist}: the init section holds media")
        parts[at].append(packet)
    return Joined(target, tuple(starts), tuple(map(tuple, parts)))


def _content(made: Made, playlist: str, piece: Piece, room: int) -> bytes:
    path = made.path(beside(playlist, piece.name))
    whole = path.stat().st_size
    length = whole - piece.start if piece.length is None else piece.length
    if not 0 <= piece.start <= piece.start + length <= whole:
        raise JudgeError(
            f"{playlist} names bytes {piece.start} to {piece.start + length - 1} of {piece.name}, which has {whole}"
        )
    if length > room:
        raise JudgeError(f"the segments of {playlist} hold over {MAX_BYTES} bytes")
    with path.open("rb") as file:
        file.seek(piece.start)
        return file.read(length)
