"""The proxy between us and a server, as the environment names it: HTTPS_PROXY, ALL_PROXY and NO_PROXY."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from ...errors import RegistryUnavailable
from .origin import Origin, is_loopback


@dataclass(frozen=True, slots=True)
class Proxy:
    """`url` is without user and password; `authorization` is the header that carries them, or empty."""

    url: str
    authorization: str = field(default="", repr=False)

    @classmethod
    def to(cls, origin: Origin) -> Proxy | None:
        """None where the way is direct, as it always is to this machine. Raises RegistryUnavailable."""
        proxies = getproxies_environment()
        named = proxies.get(origin.scheme) or proxies.get("all")
        if not named or is_loopback(origin.host) or proxy_bypass_environment(f"{origin.host}:{origin.port}", proxies):
            return None
        try:
            parts = urlsplit(named if "://" in named else f"http://{named}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in ("http", "https"):
            raise RegistryUnavailable(  # what it says may hold a password
                f"the proxy that the environment names for {origin.scheme} is no http or https address",
                remedy="Mend HTTPS_PROXY, or add the host to NO_PROXY.",
            )
        bracketed = f"[{host}]" if ":" in host else host
        authorization = ""
        if parts.username:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + base64.b64encode(pair.encode(errors="replace")).decode()
        return cls(f"{parts.scheme}://{bracketed}:{port or (443 if parts.scheme == 'https' else 80)}", authorization)
