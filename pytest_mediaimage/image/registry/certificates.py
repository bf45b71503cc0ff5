"""Which certificates are trusted and shown: the system's, and those that Docker keeps for one registry."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from ...errors import UsageError

# https://docs.docker.com/engine/security/certificates/ and containers-certs.d(5)
FOLDERS = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))


def tls_context(registry: str, *, shown: bool) -> ssl.SSLContext:
    """Trusts the system's authorities (SSL_CERT_FILE and SSL_CERT_DIR are honoured) and those kept for `registry`.

    With `shown` our own certificate for the registry is there for servers that ask for one. Raises UsageError.
    """
    wanted = (".crt", ".cert", ".key") if shown else (".crt",)
    files = []
    for file in (file for folder in FOLDERS for file in _files(folder / registry) if file.suffix in wanted):
        with _told(file):
            files.append((file, file.stat().st_mtime_ns))
    return _context(tuple(files), tuple(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")))


@lru_cache(maxsize=8)
def _context(files: tuple[tuple[Path, int], ...], named: tuple[str | None, ...]) -> ssl.SSLContext:
    """Reading the system's authorities takes a tenth of a second, so it is done once."""
    context = ssl.create_default_context()
    for file, _ in files:
        with _told(file):
            if file.suffix == ".crt":
                context.load_verify_locations(file)
            elif file.suffix == ".cert":
                # Without a password OpenSSL would ask for one at the terminal.
                context.load_cert_chain(file, file.with_suffix(".key"), password="")
    return context


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UsageError(
            f"the certificates in {folder} can't be read: {os.strerror(error.errno or 0)}",
            remedy="Make the folder readable for this user.",
        ) from error


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # SSLError is one
        reason = getattr(error, "reason", None) or error.strerror or "it is malformed"
        raise UsageError(
            f"the certificate {file} can't be used: {reason}",
            remedy="Mend or remove it; a .cert needs a .key of the same name beside it.",
        ) from error
