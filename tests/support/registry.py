"""Registries for the tests: Debian's docker-registry, and servers that do what a test tells them."""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import pytest

from pytest_mediaimage.image.registry import faults

SECONDS_TO_START = 20
_NEW_CERTIFICATE = (
    *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
    *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
)
_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
# In the combined log format the client's name comes last; the requests of this module have another.
_ACCESS = re.compile(r'"([A-Z]+) (\S+) HTTP/[\d.]+" (\d{3}) (\d+) "[^"]*" "pytest-mediaimage/')


class Access(NamedTuple):
    """A line of the access log; `length` is of the answer's body in bytes."""

    method: str
    path: str
    status: int
    length: int


class Certificate(NamedTuple):
    """For 127.0.0.1 and localhost, signed by itself: what it is trusted by, too."""

    file: Path
    key: Path


@dataclass
class Registry:
    """A docker-registry that runs. `address` is its host and port."""

    address: str
    output: Path
    certificate: Certificate | None = None
    headers: dict[str, str] = field(default_factory=dict)
    _marks: int = 0

    def push(self, layout: Path, repository: str, tag: str) -> str:
        """Copy all that a layout holds, and tag its first image or index; returns its digest."""
        roots = json.loads((layout / "index.json").read_bytes())["manifests"]
        for root in roots:
            self._push_manifest(layout, repository, root)
        self._put_manifest(layout, repository, roots[0], tag)
        return str(roots[0]["digest"])

    def delete(self, repository: str, digest: str, kind: str = "manifests") -> None:
        status, _, _ = self.request("DELETE", f"/v2/{repository}/{kind}/{digest}")
        assert status == 202

    def accesses(self) -> list[Access]:
        """What the code under test has asked for so far, questions for the protocol left out."""
        self._marks += 1
        mark = f"/v2/?mark={self._marks}"
        self.request("GET", mark)  # once this is logged, so is what was answered before
        deadline = time.monotonic() + SECONDS_TO_START
        while mark not in (text := self.output.read_text(errors="replace")) and time.monotonic() < deadline:
            time.sleep(0.02)
        found = [Access(m[1], m[2], int(m[3]), int(m[4])) for m in _ACCESS.finditer(text)]
        return [access for access in found if access.path != "/v2/"]

    @contextmanager
    def watched(self) -> Iterator[list[Access]]:
        """Filled at the end of the block with what was asked for in it."""
        before, new = len(self.accesses()), []  # type: tuple[int, list[Access]]
        yield new
        new += self.accesses()[before:]

    def request(
        self, method: str, path: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        scheme = "https" if self.certificate else "http"
        url = path if "://" in path else f"{scheme}://{self.address}{path}"
        request = Request(url, data, {**self.headers, **(headers or {})}, method=method)
        context = ssl.create_default_context(cafile=self.certificate.file if self.certificate else None)
        try:
            with build_opener(HTTPSHandler(context=context), _NoRedirects).open(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except HTTPError as error:
            return error.code, error.headers, error.read()

    def _push_manifest(self, layout: Path, repository: str, descriptor: Mapping[str, Any]) -> None:
        document = json.loads(_blob(layout, descriptor["digest"]))
        for child in document.get("manifests", ()):
            self._push_manifest(layout, repository, child)
        for blob in (*document.get("layers", ()), *([document["config"]] if "config" in document else ())):
            self._push_blob(layout, repository, blob["digest"])
        self._put_manifest(layout, repository, descriptor, descriptor["digest"])

    def _push_blob(self, layout: Path, repository: str, digest: str) -> None:
        if self.request("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200:
            return
        status, headers, body = self.request("POST", f"/v2/{repository}/blobs/uploads/", b"")
        assert status == 202, body
        kind = {"Content-Type": "application/octet-stream"}
        place = headers["Location"]
        place += f"{'&' if '?' in place else '?'}digest={digest}"
        status, _, body = self.request("PUT", place, _blob(layout, digest), kind)
        assert status == 201, body

    def _put_manifest(self, layout: Path, repository: str, descriptor: Mapping[str, Any], name: str) -> None:
        kind = {"Content-Type": descriptor["mediaType"]}
        data = _blob(layout, descriptor["digest"])
        status, _, body = self.request("PUT", f"/v2/{repository}/manifests/{name}", data, kind)
        assert status == 201, body


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def isolate(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """No credentials and proxies but the test's own; short pauses, so that what fails for good fails soon."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "SSL_CERT_FILE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setattr(faults, "FIRST_PAUSE_SECONDS", 0.01)


@contextmanager
def registry(
    folder: Path, *, auth: Mapping[str, Any] | None = None, certificate: Certificate | None = None
) -> Iterator[Registry]:
    """A docker-registry that keeps its data in `folder`.

    Without the program the test skips, or fails where MEDIAIMAGE_REQUIRE_DOCKER=1.
    """
    program = shutil.which("docker-registry")
    if program is None:
        missing = pytest.fail if os.environ.get("MEDIAIMAGE_REQUIRE_DOCKER") == "1" else pytest.skip
        missing("docker-registry isn't installed")
    tls = {"tls": {"certificate": str(certificate.file), "key": str(certificate.key)}} if certificate else {}
    configuration = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0", "secret": "for tests", **tls},
        **({"auth": auth} if auth else {}),
    }
    (folder / "config.yml").write_text(json.dumps(configuration))
    output = folder / "output.log"
    with output.open("wb") as out:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=out, stderr=out)
    try:
        yield Registry(address_of(process, output), output, certificate)
    finally:
        process.kill()
        process.wait()


def address_of(process: subprocess.Popen[bytes], output: Path) -> str:
    """Where a registry says in its output that it listens."""
    deadline = time.monotonic() + SECONDS_TO_START
    while not (found := _LISTENING.search(output.read_text(errors="replace"))):
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the registry did not start: {output.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)
    return found[1]


def make_certificate(folder: Path, *, client: bool = False) -> Certificate:
    """Made by openssl; without the program the test skips."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl isn't installed")
    made = Certificate(
        folder / ("client.cert" if client else "server.crt"), folder / ("client.key" if client else "server.key")
    )
    subprocess.run(
        [*_NEW_CERTIFICATE, "-keyout", made.key, "-out", made.file],
        check=True,
        capture_output=True,
    )
    return made


class Asked(NamedTuple):
    """A request as a server got it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Call(BaseHTTPRequestHandler):
    """One request to a `Server`, and the means to answer it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole answer; underscores in the names of headers stand for hyphens. Without Content-Length it is added."""
        self.begin(status, **{"Content_Length": str(len(body)), **headers})
        if self.command != "HEAD":
            self.wfile.write(body)

    def begin(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def drop(self) -> None:
        """Close the connection once the answer so far is sent."""
        self.close_connection = True

    def asked(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.server.asked.append(Asked(self.command, self.path, dict(self.headers), self.rfile.read(length)))
        self.server.respond(self)

    do_GET = do_HEAD = do_POST = do_CONNECT = asked

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Answers by `respond`, and remembers what it was asked. `url` has no slash at its end."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self, respond: Callable[[Call], None], certificate: Certificate | None, authority: Path | None
    ) -> None:
        super().__init__(("127.0.0.1", 0), Call)
        self.respond = respond
        self.asked: list[Asked] = []
        self.stopping = threading.Event()
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"{'https' if certificate else 'http'}://{self.address}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.file, certificate.key)
            if authority is not None:
                context.verify_mode = ssl.CERT_OPTIONAL
                context.load_verify_locations(authority)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are what the tests are about."""

    def paths(self, method: str = "GET") -> list[str]:
        return [asked.path for asked in self.asked if asked.method == method and asked.path != "/v2/"]


@contextmanager
def serving(
    respond: Callable[[Call], None], *, certificate: Certificate | None = None, authority: Path | None = None
) -> Iterator[Server]:
    """A server on this machine. With `authority` it asks clients for a certificate."""
    with Server(respond, certificate, authority) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()


@dataclass
class Fake:
    """A registry that serves a layout's blobs rightly; `instead` holds what it does otherwise, by a part of the path.

    Tags mean the first image of index.json.
    """

    layout: Path
    instead: dict[str, Callable[[Call], None]] = field(default_factory=dict)

    def __call__(self, call: Call) -> None:
        for part, respond in self.instead.items():
            if part in call.path:
                return respond(call)
        return self.rightly(call)

    def rightly(self, call: Call) -> None:
        if call.path == "/v2/":
            return call.answer(200, b"{}")
        kind, name = call.path.split("/")[-2:]
        root = json.loads((self.layout / "index.json").read_bytes())["manifests"][0]
        digest = root["digest"] if ":" not in name else name
        try:
            data = _blob(self.layout, digest)
        except OSError:
            return call.answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}')
        if kind == "manifests":
            media_type = json.loads(data)["mediaType"]
            return call.answer(200, data, Content_Type=media_type, Docker_Content_Digest=digest)
        if asked := re.fullmatch(r"bytes=(\d+)-", call.headers.get("Range", "")):
            start, length = int(asked[1]), len(data)
            return call.answer(206, data[start:], Content_Range=f"bytes {start}-{length - 1}/{length}")
        return call.answer(200, data, Content_Type="application/octet-stream")


def stall(call: Call) -> None:
    """Says nothing until the server ends."""
    with suppress(OSError):
        call.wfile.flush()
    call.server.stopping.wait(60)
    call.drop()
