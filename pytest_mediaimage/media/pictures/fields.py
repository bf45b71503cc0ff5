"""Which field of a frame is shown first, as its decoder was told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

from ...errors import JudgeError
from .. import judge

_LIMIT = 10_000


def bottom_first(path: Path) -> list[int]:
    """The frames (from 0, as they are shown) whose bottom field comes first. Raises JudgeError.

    PyAV doesn't hand out the mark itself, but its libavfilter's `separatefields` goes by it.
    """
    found: list[int] = []
    waiting: list[NDArray[np.uint8]] = []
    with judge.open_media(path) as container:
        if not container.streams.video:
            raise JudgeError(f"{path} has no video stream")
        try:
            for count, first in enumerate(_fields(container, waiting)):
                # Two fields come of each frame; the first of them tells.
                if count % 2 == 0 and not np.array_equal(first, waiting.pop(0)):
                    found.append(count // 2)
                if count >= 2 * _LIMIT:
                    raise JudgeError(f"{path} has more than {_LIMIT} frames")
        except av.FFmpegError as error:
            raise JudgeError(f"{path}: its fields can't be told apart: {error.strerror}") from error
    return found


def _fields(container: Any, tops: list[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """The luma of each field in the order of their times; `tops` is filled with those of top fields, frame by frame."""
    graph: Any = None
    for frame in chain(container.decode(video=0), (None,)):
        if graph is None:
            if frame is None:
                return
            graph = av.filter.Graph()
            source = graph.add_buffer(template=container.streams.video[0])
            kept = graph.add("format", frame.format.name)
            graph.link_nodes(source, graph.add("separatefields"), kept, graph.add("buffersink")).configure()
        if frame is not None:
            tops.append(judge.luma(frame)[::2].copy())
        graph.push(frame)
        while True:
            try:
                yield judge.luma(graph.pull())
            except (av.BlockingIOError, av.EOFError):
                break
