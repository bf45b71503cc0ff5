"""Requests to a container engine in plain HTTP, of the standard library alone.

docker-py takes half a second to import, and as much to hand on a gigabyte. What must work without it (the clean-up
after a dead run), or fast (the layers of an image), is asked for here.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

_TIMEOUT = 60.0
_PIECE = 256 * 1024
_ERROR_LENGTH = 64 * 1024


class Refused(Exception):
    """The engine answered a request with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class EngineStream:
    """The body of an answer, as it comes. Close it."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._socket = connection.sock
        self._response = response

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end. Raises OSError or http.client.HTTPException."""
        try:
            return self._response.read(min(size, _PIECE))
        except AttributeError as error:  # http.client's own, where another thread closes in the middle of it
            raise OSError("closed while it was read") from error

    def close(self) -> None:
        """May be called while another thread reads, which then finds an end or an error."""
        with suppress(OSError):  # closing waits for a reader, and a silent engine would keep that waiting
            self._socket.shutdown(socket.SHUT_RDWR)
        self._response.close()
        self._connection.close()

    def __enter__(self) -> EngineStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class EngineHttp:
    """`endpoint` has `host` (as `DOCKER_HOST`), and for TLS `ca`, `cert`, `key` (paths) and `verify`.

    Raises ValueError for a kind of host that isn't known (ssh), OSError or http.client.HTTPException
    where the engine doesn't answer.
    """

    def __init__(self, endpoint: Mapping[str, Any]) -> None:
        self._endpoint = endpoint
        self._host = urlsplit(str(endpoint["host"]))
        if self._host.scheme not in ("unix", "tcp", "http", "https"):
            raise ValueError(f"no plain HTTP to {endpoint['host']}")

    def request(self, method: str, path: str, **query: object) -> Any:
        """The decoded answer; None for an empty one, or for 404 and 409 (gone, or going)."""
        parameters = "&".join(f"{key}={quote(json.dumps(value))}" for key, value in query.items())
        connection = self._connection(_TIMEOUT)
        try:
            connection.request(method, f"{path}?{parameters}", headers={"Host": "docker"})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status in (404, 409):
            return None
        if answer.status >= 400:
            raise http.client.HTTPException(f"{method} {path}: {answer.status} {body[:200].decode(errors='replace')}")
        return json.loads(body) if body else None

    def stream(self, path: str, query: Mapping[str, str], *, timeout: float) -> EngineStream:
        """What a GET answers; `timeout` is the longest silence in seconds. Raises Refused, too.

        The request is one of HTTP/1.0, whose answers aren't cut into chunks of 32 KiB: that halves the time it takes
        to read them. It leaves the end of the connection as the only sign of the end: the content has to tell
        whether it is whole.
        """
        connection = self._connection(timeout)
        try:
            if connection.sock is None:
                connection.connect()
            target = f"{quote(path)}?{urlencode(query)}" if query else quote(path)
            connection.sock.sendall(f"GET {target} HTTP/1.0\r\nHost: docker\r\n\r\n".encode("ascii"))
            response = http.client.HTTPResponse(connection.sock, method="GET")
            response.begin()
            if response.status != http.client.OK:
                raise Refused(response.status, _message(response.read(_ERROR_LENGTH)))
        except BaseException:
            connection.close()
            raise
        return EngineStream(connection, response)

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self._host.scheme == "unix":
            connection = http.client.HTTPConnection("docker", timeout=timeout)
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(timeout)
            try:
                connection.sock.connect(self._host.path)
            except BaseException:
                connection.close()
                raise
            return connection
        name, port = self._host.hostname or "localhost", self._host.port
        if self._host.scheme == "https" or self._endpoint.get("cert"):
            context = ssl.create_default_context(cafile=self._endpoint.get("ca"))
            if not self._endpoint.get("verify", True):
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if self._endpoint.get("cert"):
                context.load_cert_chain(str(self._endpoint["cert"]), self._endpoint.get("key"))
            return http.client.HTTPSConnection(name, port or 2376, timeout=timeout, context=context)
        return http.client.HTTPConnection(name, port or 2375, timeout=timeout)


def _message(body: bytes) -> str:
    """What an engine says in the body of an error."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
