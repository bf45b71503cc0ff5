"""Work that goes on beside the reading of a layer: what takes long for one file must not keep the others waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")

_MOST = 4
"""Works that wait or go on; each may hold a temporary file."""
_free = threading.BoundedSemaphore(_MOST)


def beside(work: Callable[[], T]) -> Future[T]:
    """What `work` will return or raise. Waits where there is more to do already than makes sense."""
    _free.acquire()

    def run() -> T:
        try:
            return work()
        finally:
            _free.release()

    try:
        return _pool().submit(run)
    except BaseException:
        _free.release()
        raise


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="mediaimage-beside")
