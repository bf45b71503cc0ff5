"""A registry on this machine's loopback (Debian's docker-registry), for the time of a benchmark."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

_SECONDS_TO_START = 20
_CONFIGURATION = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/storage}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
# Apache's common log, which the registry writes to its standard output.
_ANSWER = re.compile(r'"GET (/v2/\S+) HTTP/1.1" 20[06] (\d+)')


class Registry:
    """`host` is `localhost:PORT`."""

    def __init__(self, host: str, log: Path) -> None:
        self.host = host
        self._log = log

    def fetched(self) -> int:
        """Bytes of manifests and blobs that it has given out up to now."""
        return sum(int(answer[2]) for answer in _ANSWER.finditer(self._log.read_text()))

    def push(self, layout: Path, name: str) -> None:
        """Every image of the layout, by its tag."""
        for image in json.loads((layout / "index.json").read_bytes())["manifests"]:
            manifest = _blob(layout, image["digest"]).read_bytes()
            document = json.loads(manifest)
            for blob in (document["config"], *document["layers"]):
                self._push_blob(name, blob["digest"], _blob(layout, blob["digest"]))
            tag = image["annotations"]["org.opencontainers.image.ref.name"]
            self._ask("PUT", f"/v2/{name}/manifests/{tag}", manifest, {"Content-Type": image["mediaType"]})

    def _push_blob(self, name: str, digest: str, path: Path) -> None:
        place = urlsplit(self._ask("POST", f"/v2/{name}/blobs/uploads/", b"", {}))
        with path.open("rb") as content:
            headers = {"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"}
            self._ask("PUT", f"{place.path}?{place.query}&digest={digest}", content, headers)

    def _ask(self, method: str, path: str, body: bytes | BinaryIO, headers: dict[str, str]) -> str:
        connection = http.client.HTTPConnection(self.host, timeout=120)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status not in (201, 202):
            sys.exit(f"the registry answers {response.status} to {method} {path}: {answer[:500].decode()}")
        connection.close()
        return response.getheader("Location", "")


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


@contextmanager
def registry() -> Iterator[Registry]:
    """An empty registry on a free port; what it stored is removed at the end."""
    program = shutil.which("docker-registry")
    if program is None:
        sys.exit("docker-registry is missing: apt-get install docker-registry")
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        configuration, log = Path(folder, "config.yml"), Path(folder, "log")
        configuration.write_text(_CONFIGURATION.format(folder=folder, port=port))
        with log.open("wb") as out:
            process: subprocess.Popen[Any] = subprocess.Popen(
                [program, "serve", str(configuration)], stdout=out, stderr=subprocess.STDOUT
            )
        try:
            _wait(process, port, log)
            yield Registry(f"localhost:{port}", log)
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[Any], port: int, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"docker-registry doesn't start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
