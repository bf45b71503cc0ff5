"""Origin: which server an URL means, and whether it may be asked at all."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...errors import RegistryUnavailable

_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[A-Za-z0-9._:-]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """What has to be equal for a server to be the same: scheme, host and port (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Raises RegistryUnavailable for what nobody should send a request to."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            parts, host, port = urlsplit(""), "", None
        if _HOST.fullmatch(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
            return cls(parts.scheme, host, port or _PORTS[parts.scheme])
        raise RegistryUnavailable(
            f"refused to send a request to {f'{parts.scheme}://{host}'[:100]!a}",
            remedy="Only https is used, and http for a registry on this machine.",
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host + (f":{self.port}" if self.port != _PORTS[self.scheme] else "")


def is_loopback(host: str) -> bool:
    """Whether a host, without its port, is this machine: what Docker takes for safe without TLS."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
