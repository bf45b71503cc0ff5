"""Transport: requests to one registry and to where it sends us."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from ... import __version__
from ...errors import RegistryUnavailable
from . import faults
from .certificates import tls_context
from .faults import Interrupted, NoTls, connection_faults
from .origin import Origin, is_loopback
from .proxies import Proxy

if TYPE_CHECKING:
    import urllib3

# Less than this in READ_SECONDS of waiting is no download: who sends a byte now and then is stalled, too.
SLOWEST = 16 * 1024

_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
# The rest of an answer that is read and thrown away, so that its connection can be used again.
_DRAIN = 64 * 1024
# Idle connections that are kept; more may be open.
_POOL = 16


class Answer:
    """What a server answers; its body is read piece by piece. `origin` is who answered in the end."""

    def __init__(self, response: urllib3.BaseHTTPResponse, origin: Origin) -> None:
        self._response = response
        self.origin = origin
        self.status = response.status
        self.headers = response.headers
        self._waited = 0.0
        self._recent = 0

    @property
    def length(self) -> int | None:
        """Of the body, in bytes, as the server announces it."""
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isascii() and text.isdigit() else None

    def read(self, count: int) -> bytes:
        """Up to `count` bytes, as soon as there are any; empty at the end. Raises Interrupted."""
        began = monotonic()
        with connection_faults(self.origin, reached=True):
            data = self._response.read1(count, decode_content=False)
        self._waited += monotonic() - began
        self._recent += len(data)
        if self._recent >= SLOWEST:
            self._waited, self._recent = 0.0, 0
        elif data and self._waited > faults.READ_SECONDS:
            raise Interrupted(f"{self.origin} sent only {self._recent} bytes in {self._waited:.0f} s")
        return data

    def small(self, limit: int) -> bytes:
        """The body, or its first `limit` + 1 bytes where there are more. Raises Interrupted."""
        body = io.BytesIO()
        while (left := limit + 1 - body.tell()) > 0 and (data := self.read(left)):
            body.write(data)
        return body.getvalue()

    def close(self) -> None:
        """Drop the rest; where it is little it is read, so that the connection can be used again."""
        with suppress(Interrupted, RegistryUnavailable):
            if (self.length or 0) <= _DRAIN and self.status >= 300:
                self.small(_DRAIN)
        self._response.close()
        self._response.release_conn()


class Transport:
    """Requests to the registry at `address` (host and port), and to others on its behalf. Safe among threads."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._registry = Origin.of(f"https://{address}")
        self._managers: dict[tuple[Proxy | None, bool], urllib3.PoolManager] = {}
        self._reached: set[Origin] = set()
        self._lock = threading.RLock()
        self._base = ""

    def base(self) -> str:
        """The registry's URL without a path. Raises RegistryUnavailable.

        As Docker does it: https, and for a registry on this machine http where https isn't spoken.
        """
        with self._lock:
            if not self._base:
                secure = not is_loopback(self._registry.host) or self._speaks_tls()
                self._base = f"{'https' if secure else 'http'}://{self._address}"
            return self._base

    def _speaks_tls(self) -> bool:
        try:
            self.send("GET", f"https://{self._address}/v2/", {}).close()
        except (NoTls, Interrupted):
            return False
        return True

    def follow(self, method: str, url: str, headers: Mapping[str, str], authorization: str = "") -> Answer:
        """The answer at the end of all redirects; no server but the first is shown the authorization.

        Raises as `send`, and RegistryUnavailable for redirects that nobody should follow.
        """
        origin = sender = Origin.of(url)
        for _ in range(_MAX_REDIRECTS + 1):
            shown = {"Authorization": authorization} if authorization else {}
            try:
                answer = self.send(method, url, {**headers, **shown})
            except RegistryUnavailable as error:
                if sender != origin:
                    error.message = f"{error.message}; {sender} sends us there"
                raise
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or not location:
                return answer
            answer.close()
            url = _absolute(url, location)
            target = Origin.of(url)
            if origin.scheme == "https" and target.scheme == "http":
                raise RegistryUnavailable(
                    f"{origin} redirects from https to http, which isn't followed",
                    remedy="Give the registry's storage a certificate.",
                )
            if target != origin:
                authorization = ""
            sender, origin = origin, target
        raise RegistryUnavailable(f"{origin} redirects more than {_MAX_REDIRECTS} times", remedy=faults.LATER)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """One request and its answer, whatever its status.

        Raises RegistryUnavailable where the server can't be reached, Interrupted where it breaks off.
        """
        import urllib3

        origin = Origin.of(url)
        manager = self._manager(origin)
        with connection_faults(origin, reached=origin in self._reached):
            response = manager.urlopen(
                method,
                url,
                headers={"User-Agent": f"pytest-mediaimage/{__version__}", "Accept-Encoding": "identity", **headers},
                body=body,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=faults.CONNECT_SECONDS, read=faults.READ_SECONDS),
            )
        self._reached.add(origin)
        return Answer(response, origin)

    def _manager(self, origin: Origin) -> urllib3.PoolManager:
        import urllib3

        # Our own certificate is for the registry's eyes; the authority kept for it may have signed for its storage.
        shown = (origin.host, origin.port) == (self._registry.host, self._registry.port)
        proxy = Proxy.to(origin)
        with self._lock:
            if (proxy, shown) not in self._managers:
                tls = tls_context(self._address, shown=shown)
                if proxy is None:
                    manager = urllib3.PoolManager(ssl_context=tls, maxsize=_POOL)
                else:
                    headers = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else None
                    manager = urllib3.ProxyManager(proxy.url, proxy_headers=headers, ssl_context=tls, maxsize=_POOL)
                self._managers[proxy, shown] = manager
            return self._managers[proxy, shown]


def _absolute(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location  # which has no origin, either
