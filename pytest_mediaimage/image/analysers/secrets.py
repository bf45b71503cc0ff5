"""Private keys and credential files. What is kept is what was found and where; never the secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..entries import Entry
from .private_keys import private_keys
from .secret_files import Found, reader_of

NAME = "secrets"

_LONGEST = 1 << 20  # bytes of a file that is looked into; a key with a chain of certificates has some 10 kB
_LONGEST_SETTINGS = 256 << 10  # bytes of a credential file
_KEY = b"PRIVATE KEY"
_PEM = b"-----BEGIN"
_GLANCE = 64  # bytes that tell a text from nearly everything else: ELF, pictures, archives, bytecode
_MOST = 50  # things that are said of one file
# Dropbear keeps its keys in a form of its own: the length of the kind's name, and the name (signkey.c).
_DROPBEAR = (b"\0\0\0\x07ssh-rsa", b"\0\0\0\x07ssh-dss", b"\0\0\0\x0bssh-ed25519", b"\0\0\0\x13ecdsa-sha2-nistp")


class Secrets:
    """Finds them; the fact is a list of dicts:

    - `kind`, such as "PKCS#8 private key" or "credentials of a registry"; `key` whether it is a private key;
    - `certain`, false for what may be public by design; `encrypted`, for a key that needs a passphrase;
    - `mark`, 8 hex digits of the sha256 of a key's bytes, to tell keys apart; `offset`, the byte where it begins.
    """

    name = NAME
    version = 1

    def watch(self, entry: Entry, head: bytes) -> _Content | None:
        if b"\0" in head[:_GLANCE]:
            dropbear = entry.path.startswith("etc/dropbear/") and head.startswith(_DROPBEAR)
            return _Content(None, dropbear=True) if dropbear else None
        if entry.size > _LONGEST:
            return None
        read = reader_of(entry.path)
        if read is not None or (_PEM in head and _may_hold_key(entry, head)):
            return _Content(read)
        return None


def _may_hold_key(entry: Entry, head: bytes) -> bool:
    """A key that begins beyond the head stands behind certificates; a file that isn't text holds none."""
    if b"\0" in head:
        return False
    return _KEY in head or (entry.size > len(head) and head.lstrip().startswith(_PEM))


class _Content:
    def __init__(self, read: Callable[[str], Found] | None, *, dropbear: bool = False) -> None:
        self._read = read
        self._dropbear = dropbear
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def finish(self) -> list[dict[str, Any]] | None:
        if self._dropbear:
            return [_fact("Dropbear host key", key=True)]
        data = b"".join(self._chunks)
        found = [
            _fact(key.kind, key=True, encrypted=key.encrypted, mark=key.mark, offset=key.offset)
            for key in private_keys(data)
        ]
        if self._read is not None:
            text = data[:_LONGEST_SETTINGS].decode("utf-8", "surrogateescape")
            found += [_fact(kind, certain=certain) for kind, certain in self._read(text)]
        return found[:_MOST] or None


def _fact(
    kind: str, *, key: bool = False, certain: bool = True, encrypted: bool = False, mark: str = "", offset: int = 0
) -> dict[str, Any]:
    return {"kind": kind, "key": key, "certain": certain, "encrypted": encrypted, "mark": mark, "offset": offset}
