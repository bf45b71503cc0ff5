"""Opens what is attached to an image as an SBOM: the bare document, or one in an envelope or two.

An in-toto statement says of which digests its predicate speaks, DSSE wraps that to be signed, and sigstore's bundle
wraps DSSE:
https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto

Signatures are not verified.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .document import Document, Fields, InvalidSbom, load_json
from .reading import read_document

DEEPEST = 128
"""Levels of a document: components in components are some ten deep. Far below Python's limit for recursion."""
_STATEMENT = re.compile(r"https://in-toto\.io/Statement/v\d")
_PAYLOAD = "application/vnd.in-toto+json"
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_HEX = re.compile(r"[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}")
_OCI_DIGESTS = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Opened:
    """An SBOM that was attached.

    `stated` are the digests (`sha256:...`) that the in-toto statement around it names as its subject, None where there
    is no statement. `predicate_type` is that of the statement, empty without one.
    """

    document: Document
    stated: frozenset[str] | None = None
    predicate_type: str = ""


def open_attached(data: bytes) -> Opened:
    """Raises InvalidSbom for what holds no SBOM that is read: CycloneDX JSON, or SPDX JSON."""
    value = _load(data)
    if isinstance(value, Mapping) and str(value.get("mediaType", "")).startswith("application/vnd.dev.sigstore.bundle"):
        if "dsseEnvelope" not in value:
            raise InvalidSbom("the bundle holds a signature, and no statement")
        value = value["dsseEnvelope"]
    if isinstance(value, Mapping) and "payloadType" in value:
        value = _load(_payload(Fields(value, "the envelope")))
        if not _is_statement(value):
            raise InvalidSbom("the envelope's payload is no in-toto statement")
    if not _is_statement(value):
        return Opened(read_document(value))
    statement = Fields(value, "")
    document = read_document(_predicate(value.get("predicate")))
    return Opened(document, frozenset(_subjects(statement)), statement.text("predicateType") or "")


def _is_statement(value: Any) -> bool:
    return isinstance(value, Mapping) and _STATEMENT.match(str(value.get("_type", ""))) is not None


def _payload(envelope: Fields) -> bytes:
    kind = envelope.text("payloadType")
    if kind != _PAYLOAD:
        raise InvalidSbom(f"the envelope's payload is {str(kind)[:100]!r}, where {_PAYLOAD} is read")
    payload = envelope.raw("payload")
    if not isinstance(payload, str):
        raise InvalidSbom("the envelope's payload isn't a text")
    try:
        # Either alphabet may be used, says DSSE.
        return base64.b64decode(payload.translate({ord("-"): "+", ord("_"): "/"}), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSbom(f"the envelope's payload is no base64: {str(error)[:100]}") from error


def _predicate(value: Any) -> dict[str, Any]:
    """cosign puts a document that isn't JSON in a text, and once put each in `Data`, beside a time stamp."""
    if isinstance(value, Mapping) and set(value) <= {"Data", "Timestamp"} and "Data" in value:
        value = value["Data"]
    if isinstance(value, str):
        value = _load(value.encode(errors="surrogatepass"))
    if not isinstance(value, dict):
        raise InvalidSbom("the statement has no predicate")
    return value


def _subjects(statement: Fields) -> Iterator[str]:
    for subject in statement.objects("subject"):
        digests = subject.fields("digest")
        for algorithm in _OCI_DIGESTS:
            found = digests.text(algorithm) if digests else None
            if found is not None and _HEX.fullmatch(found):
                yield f"{algorithm}:{found}"


def _load(data: bytes) -> Any:
    head = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<"):
        raise InvalidSbom("the document is XML, where JSON is read")
    if head.startswith((b"SPDXVersion:", b"##")):
        raise InvalidSbom("the document is SPDX in its tag-value form, where JSON is read")
    _check_depth(data)
    return load_json(data)


def _check_depth(data: bytes) -> None:
    """The JSON parser recurses as deep as the process allows, and some allow more than its stack holds."""
    if data.count(b"[") + data.count(b"{") <= DEEPEST:
        return
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub(b"", data)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > DEEPEST:
            raise InvalidSbom(f"the document is nested more than {DEEPEST} deep")
