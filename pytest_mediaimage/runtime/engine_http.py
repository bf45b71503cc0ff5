"""The few requests to a Docker engine that clean up after a dead run, in plain HTTP.

Of the standard library alone: the watchdog and the reaper work without docker-py.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

LABEL = "io.github.pytest-mediaimage.run"
"""Every container of a run carries this label; its value is the run's id."""
IMAGES = "pytest-mediaimage-run"
"""An image that a run loaded is tagged `pytest-mediaimage-run/RUN:...`, and kept alive by that tag alone."""
_TIMEOUT = 60.0


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
        connection = self._connect()
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

    def _connect(self) -> http.client.HTTPConnection:
        if self._host.scheme == "unix":
            connection = http.client.HTTPConnection("docker", timeout=_TIMEOUT)
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(_TIMEOUT)
            connection.sock.connect(self._host.path)
            return connection
        name, port = self._host.hostname or "localhost", self._host.port
        if self._host.scheme == "https" or self._endpoint.get("cert"):
            context = ssl.create_default_context(cafile=self._endpoint.get("ca"))
            if not self._endpoint.get("verify", True):
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if self._endpoint.get("cert"):
                context.load_cert_chain(str(self._endpoint["cert"]), self._endpoint.get("key"))
            return http.client.HTTPSConnection(name, port or 2376, timeout=_TIMEOUT, context=context)
        return http.client.HTTPConnection(name, port or 2375, timeout=_TIMEOUT)


def remove_run(engine: EngineHttp, run_id: str) -> list[str]:
    """Remove the containers and the loaded images of a run; returns a line for each."""
    removed = []
    for container in engine.request("GET", "/containers/json", all=1, filters={"label": [f"{LABEL}={run_id}"]}) or []:
        engine.request("DELETE", f"/containers/{container['Id']}", force=1, v=1)
        removed.append(f"removed container {container['Id'][:12]} of run {run_id}")
    for image in engine.request("GET", "/images/json", filters={"reference": [f"{IMAGES}/{run_id}"]}) or []:
        for tag in image.get("RepoTags") or []:
            if tag.startswith(f"{IMAGES}/{run_id}:"):
                engine.request("DELETE", f"/images/{tag}")
                removed.append(f"removed image {tag}")
    return removed
