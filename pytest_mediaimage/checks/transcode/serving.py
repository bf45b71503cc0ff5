"""A command that serves another one, in the same container: only there can a server be reached without a network."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...errors import MediaImageError

if TYPE_CHECKING:
    from ...runtime.base import CommandResult, Container

_START = 10.0
"""Seconds until a server must listen. Nothing tells when it does, so its client is started again till it finds it."""
_PAUSE = 0.1
_REFUSED = "Connection refused"


class Served:
    """A server, started in a thread of its own. It must end by itself, after its one client or without any."""

    def __init__(self, container: Container, argv: Sequence[str], timeout: float) -> None:
        self._result: CommandResult | None = None
        self._argv = list(argv)
        self._thread = threading.Thread(target=self._serve, args=(container, timeout), daemon=True)
        self._thread.start()
        self._timeout = timeout

    def _serve(self, container: Container, timeout: float) -> None:
        try:
            self._result = container.run(self._argv, timeout=timeout)
        except MediaImageError:
            return  # the client fails too, and tells

    def answer(self, client: Callable[[], CommandResult]) -> CommandResult:
        """The client's result; it is run again while nobody listens yet, and the server may still come up."""
        deadline = time.monotonic() + _START
        while True:
            time.sleep(_PAUSE)  # the first client would find nobody
            result = client()
            up = self._thread.is_alive() and time.monotonic() < deadline
            if not (result.exit_code and up and _REFUSED in result.stderr):
                return result

    def words(self) -> str:
        """Wait for its end; what it said where it failed, or nothing."""
        self._thread.join(self._timeout)
        if self._result is None or not self._result.exit_code:
            return ""
        said = " ".join(self._result.stderr.strip().splitlines()[-3:])[-300:]
        return f"; the server beside it ended with exit code {self._result.exit_code}: {said or 'it said nothing'}"
