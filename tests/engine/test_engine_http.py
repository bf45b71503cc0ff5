"""What comes from an engine in a stream, over a socket and over TCP."""

from __future__ import annotations

import http.client
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from pytest_mediaimage.engine.http import EngineHttp, Refused

BODY = bytes(range(256)) * 5000
PATIENCE = 20.0


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/refuse":
            self.give(500, b'{"message": "no, since"}')
        elif path == "/nonsense":
            self.give(404, b"<html>" + b"x" * 1000)
        elif path == "/silence":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"1")
            self.server.ended.wait(PATIENCE)  # type: ignore[attr-defined]
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(query.encode() + b"\n" + self.request_version.encode() + b"\n" + BODY)
            self.close_connection = True

    def give(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def address_string(self) -> str:
        return "-"

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(params=["unix", "tcp"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EngineHttp]:
    server: socketserver.BaseServer
    if request.param == "unix":
        server = socketserver.ThreadingUnixStreamServer(str(tmp_path / "s"), Answers)
        host = f"unix://{tmp_path}/s"
    else:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers)
        host = f"tcp://127.0.0.1:{server.server_address[1]}"
    server.daemon_threads = True
    server.ended = threading.Event()  # type: ignore[attr-defined]
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield EngineHttp({"host": host})
        server.ended.set()  # type: ignore[attr-defined]
        server.shutdown()


def test_whole_answer(engine: EngineHttp) -> None:
    with engine.stream("/a b", {"platform": '{"os": "linux"}'}, timeout=PATIENCE) as stream:
        data = b"".join(iter(lambda: stream.read(1 << 20), b""))
    query, version, body = data.split(b"\n", 2)
    assert (query, version) == (b"platform=%7B%22os%22%3A+%22linux%22%7D", b"HTTP/1.0")
    assert body == BODY


def test_refusal(engine: EngineHttp) -> None:
    with pytest.raises(Refused, match=r"^no, since$") as caught:
        engine.stream("/refuse", {}, timeout=PATIENCE)
    assert caught.value.status == 500
    with pytest.raises(Refused) as caught:
        engine.stream("/nonsense", {}, timeout=PATIENCE)
    assert (caught.value.status, len(caught.value.message)) == (404, 200)


def test_silence_has_an_end(engine: EngineHttp) -> None:
    with engine.stream("/silence", {}, timeout=0.1) as stream, pytest.raises(TimeoutError):
        while True:
            assert stream.read(1000) == b"1"


def test_closing_ends_a_reader_that_waits(engine: EngineHttp) -> None:
    stream = engine.stream("/silence", {}, timeout=PATIENCE)
    ended = threading.Event()

    def read() -> None:
        with suppress(OSError, ValueError, http.client.HTTPException):
            while stream.read(1000):
                pass
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    stream.close()
    assert ended.wait(PATIENCE / 2)


def test_no_such_host() -> None:
    with pytest.raises(OSError):
        EngineHttp({"host": "unix:///nowhere/x.sock"}).stream("/", {}, timeout=1)
    with pytest.raises(ValueError, match="no plain HTTP to ssh://x"):
        EngineHttp({"host": "ssh://x"})
