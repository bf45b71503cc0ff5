"""A way to an engine that can be cut off, or ends by itself."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class _Way(socketserver.BaseRequestHandler):
    """Passes requests on to the engine, and its answers back, up to the server's `limit`."""

    server: Cut

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self.server.engine)
            threading.Thread(target=self._pass_on, args=(engine,), daemon=True).start()
            passed = 0
            with suppress(OSError):
                while data := engine.recv(1 << 16):
                    passed += len(data)
                    if passed > self.server.limit:
                        self.server.before_the_end()
                        return
                    self.request.sendall(data)

    def _pass_on(self, engine: socket.socket) -> None:
        with suppress(OSError):
            while data := self.request.recv(1 << 16):
                if self.server.closed:
                    self.request.shutdown(socket.SHUT_RDWR)
                    return
                engine.sendall(data)


class Cut(socketserver.ThreadingUnixStreamServer):
    """Answers end after `limit` bytes; `before_the_end` is called before. With `closed` no request is answered."""

    daemon_threads = True

    def __init__(self, path: Path, engine: str) -> None:
        super().__init__(str(path), _Way)
        self.engine = engine.removeprefix("unix://")
        self.host = f"unix://{path}"
        self.limit = 1 << 60
        self.before_the_end: Callable[[], object] = lambda: None
        self.closed = False


@contextmanager
def cut(path: Path, engine: str) -> Iterator[Cut]:
    """A `Cut` at the socket `path`, before the engine at the socket `engine`."""
    with Cut(path, engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
