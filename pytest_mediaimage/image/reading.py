"""Reads the layers of an image: several at once where the source can open them one by one."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from ..errors import CorruptImage
from .layer import Layer, LayerFacts
from .layer_stream import LayerStream
from .pipeline import quick_switching
from .progress import Progress
from .scan import Analyser, scan_layer

_AT_ONCE = min(3, os.cpu_count() or 1)
"""Layers in flight: three, as container engines pull them; memory and gain both grow with the cores."""


class StreamedContent(Protocol):
    """Layers that come in an order of their own, one after the other."""

    def layer_streams(self, layers: Sequence[Layer], *, identified: bool) -> Iterator[LayerStream]:
        """A stream for each of `layers`, in any order; each is read to its end before the next is asked for.

        With `identified` each stream knows its diffID beforehand, even where finding out costs a pass.
        Without it there may be streams of other layers too.
        """


@runtime_checkable
class OpenableContent(Protocol):
    """Layers that can be opened one by one, also by several threads. Each stream knows its diffID beforehand."""

    def open_layer(self, layer: Layer) -> AbstractContextManager[LayerStream]: ...


Content = StreamedContent | OpenableContent
"""Where an image's layers come from."""


@runtime_checkable
class RereadableContent(Protocol):
    """Content that has a second way to its layers."""

    def reads_otherwise(self, layer: Layer) -> bool:
        """Whether a layer that was damaged may be whole when it is opened again, another way."""


def opened_in_turn(content: OpenableContent, layers: Sequence[Layer]) -> Iterator[LayerStream]:
    """A stream of each of `layers`; it's closed when the next is asked for."""
    for layer in layers:
        with content.open_layer(layer) as stream:
            yield stream


def read_layers(
    content: Content, layers: Sequence[Layer], analysers: Sequence[Analyser], progress: Progress | None
) -> Generator[LayerFacts, None, None]:
    """The facts of `layers`, in the order in which they are known; of other layers too, where the source mixes them.

    Raises CorruptImage, or EnvironmentFault where the source fails.
    """
    with quick_switching():
        if isinstance(content, OpenableContent):
            yield from _together(content, layers, analysers, progress)
        else:
            for stream in content.layer_streams(layers, identified=False):
                with stream:
                    yield _scan(stream, analysers, progress)


def _scan(stream: LayerStream, analysers: Sequence[Analyser], progress: Progress | None) -> LayerFacts:
    if progress is None:
        return scan_layer(stream, analysers)
    stream.on_read = progress.advance
    facts = scan_layer(stream, analysers)
    progress.layer_done()
    return facts


def _together(
    content: OpenableContent, layers: Sequence[Layer], analysers: Sequence[Analyser], progress: Progress | None
) -> Iterator[LayerFacts]:
    opened: set[LayerStream] = set()
    lock = threading.Lock()
    stopped = False

    def read(layer: Layer) -> LayerFacts | None:
        try:
            return attempt(layer)
        except CorruptImage:
            if stopped or not isinstance(content, RereadableContent) or not content.reads_otherwise(layer):
                raise
            return attempt(layer)

    def attempt(layer: Layer) -> LayerFacts | None:
        if stopped:
            return None
        with content.open_layer(layer) as stream:
            with lock:
                opened.add(stream)
            try:
                return _scan(stream, analysers, progress)
            finally:
                with lock:
                    opened.discard(stream)

    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mediaimage-layer")
    # The largest first: one that begins last would be read alone.
    by_length = sorted(layers, key=lambda layer: layer.compressed_size or 0, reverse=True)
    running: set[Future[LayerFacts | None]] = {pool.submit(read, layer) for layer in by_length}
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                facts = future.result()
                if facts is not None:
                    yield facts
    finally:
        stopped = True
        with lock:
            left = list(opened)
        for stream in left:
            stream.close()
        pool.shutdown(cancel_futures=True)
