"""Private keys in text: what only looks like one doesn't parse."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

_BEGIN = re.compile(rb"-----BEGIN ((?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?)-----")
_LONGEST = 65536  # bytes between the two lines; an RSA key of 16384 bits has 12 kB
_HEADERS = re.compile(rb"\A\s*(?:[A-Za-z][A-Za-z-]*: [^\n]*\n)+\s*\n")  # RFC 1421, 4.4, and RFC 9580, 6.2
_OPENSSH = b"openssh-key-v1\0"
_INTEGER, _OCTETS, _OID, _SEQUENCE = 0x02, 0x04, 0x06, 0x30
_SHORTEST_MODULUS = 512  # bits: less is a toy in a test


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that parses: `kind` such as "RSA private key", the byte where it begins, and 8 hex digits of its sha256."""

    kind: str
    offset: int
    encrypted: bool
    mark: str


def private_keys(text: bytes) -> Iterator[PrivateKey]:
    """Every private key in the text that is whole, also inside JSON, where lines end in a backslash and an n."""
    for match in _BEGIN.finditer(text):
        end = text.find(b"-----", match.end())
        if not text.startswith(b"-----END %b-----" % match[1], end) or end - match.end() > _LONGEST:
            continue
        label, body = match[1].decode(), text[match.end() : end]
        body = body.replace(b"\\r", b"").replace(b"\\n", b"\n").replace(b"\r", b"")
        headers = _HEADERS.match(body)
        if headers:
            body = body[headers.end() :]
        if label == "PGP PRIVATE KEY BLOCK":
            body = re.sub(rb"\n=[A-Za-z0-9+/]{4}\s*\Z", b"", body)  # the checksum: RFC 9580, 6.1
        try:
            data = base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            continue
        encrypted = headers is not None and b"ENCRYPTED" in headers[0]
        found = (f"{label.removesuffix(' PRIVATE KEY')} private key", True) if encrypted else _kind(label, data)
        if found and data:
            yield PrivateKey(found[0], match.start(), found[1], hashlib.sha256(data).hexdigest()[:8])


def _kind(label: str, data: bytes) -> tuple[str, bool] | None:
    """What key it is and whether it is encrypted; None where it is none."""
    try:
        if label == "OPENSSH PRIVATE KEY":
            return "OpenSSH private key", _openssh_is_encrypted(data)
        if label == "PGP PRIVATE KEY BLOCK":
            return ("OpenPGP private key", False) if _is_secret_key_packet(data[:1]) else None
        parts = _parts(_whole(data))
        if label == "ENCRYPTED PRIVATE KEY":
            return ("PKCS#8 private key", True) if [tag for tag, _ in parts] == [_SEQUENCE, _OCTETS] else None
        if label == "RSA PRIVATE KEY":
            return ("RSA private key", False) if _is_rsa(parts) else None
        if label == "EC PRIVATE KEY":
            return ("EC private key", False) if _is_ec(parts) else None
        if label == "DSA PRIVATE KEY":
            return ("DSA private key", False) if [tag for tag, _ in parts] == [_INTEGER] * 6 else None
        if label == "PRIVATE KEY":
            return ("PKCS#8 private key", False) if _is_pkcs8(parts) else None
    except _Incomplete:
        pass
    return None


class _Incomplete(ValueError):
    """The bytes aren't what the label promised."""


def _whole(data: bytes) -> bytes:
    """The content of the one sequence that the data is."""
    parts = _parts(data)
    if len(parts) != 1 or parts[0][0] != _SEQUENCE:
        raise _Incomplete
    return parts[0][1]


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each value that stands there one after the other (ITU-T X.690, 8.1, DER)."""
    parts, at = [], 0
    while at < len(data):
        if at + 2 > len(data):
            raise _Incomplete
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            more = length & 0x7F
            if not 1 <= more <= 4 or at + more > len(data):
                raise _Incomplete
            length = int.from_bytes(data[at : at + more], "big")
            at += more
        if at + length > len(data):
            raise _Incomplete
        parts.append((tag, data[at : at + length]))
        at += length
    return parts


def _is_rsa(parts: list[tuple[int, bytes]]) -> bool:
    """RFC 8017, A.1.2: version, n, e, d, p, q and three more; and n is p times q."""
    if [tag for tag, _ in parts[:9]] != [_INTEGER] * 9:
        return False
    n, _, _, p, q = (int.from_bytes(content, "big") for _, content in parts[1:6])
    return n == p * q and n.bit_length() >= _SHORTEST_MODULUS


def _is_ec(parts: list[tuple[int, bytes]]) -> bool:
    """RFC 5915, 3: version 1 and the key."""
    return len(parts) >= 2 and parts[0] == (_INTEGER, b"\x01") and parts[1][0] == _OCTETS and len(parts[1][1]) >= 16


def _is_pkcs8(parts: list[tuple[int, bytes]]) -> bool:
    """RFC 5958, 2: version, the algorithm's name, and the key; an RSA key's numbers are looked at too."""
    if [tag for tag, _ in parts[:3]] != [_INTEGER, _SEQUENCE, _OCTETS]:
        return False
    algorithm = _parts(parts[1][1])
    if not algorithm or algorithm[0][0] != _OID:
        return False
    if algorithm[0][1] == b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01":  # rsaEncryption
        return _is_rsa(_parts(_whole(parts[2][1])))
    return len(parts[2][1]) >= 16


def _openssh_is_encrypted(data: bytes) -> bool:
    """OpenSSH, PROTOCOL.key: names of cipher and derivation, its options, public keys, and the private part."""
    if not data.startswith(_OPENSSH):
        raise _Incomplete
    at = len(_OPENSSH)

    def string() -> bytes:
        nonlocal at
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 4 + length > len(data):
            raise _Incomplete
        at += 4 + length
        return data[at - length : at]

    cipher, _, _ = string(), string(), string()
    count = int.from_bytes(data[at : at + 4], "big")
    at += 4
    if not 1 <= count <= 16:
        raise _Incomplete
    for _ in range(count):
        string()
    if len(string()) < 32 or at != len(data):
        raise _Incomplete
    return cipher != b"none"


def _is_secret_key_packet(first: bytes) -> bool:
    """RFC 9580, 4.2: a packet of tag 5, its header in either form."""
    return bool(first) and (first[0] & 0xFC == 0x94 or first[0] == 0xC5)
