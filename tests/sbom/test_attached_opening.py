"""What is attached as an SBOM, opened: bare, in a statement, in an envelope, in a bundle, and what is none."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.sbom import attached
from pytest_mediaimage.sbom.attached import DEEPEST, open_attached
from pytest_mediaimage.sbom.document import LONGEST, InvalidSbom

DIGEST = "a" * 64
CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [{"type": "library", "name": "x264", "version": "164"}],
}
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": "image",
    "packages": [{"SPDXID": "SPDXRef-1", "name": "x264", "versionInfo": "164"}],
}


def statement(predicate: Any, kind: str = "https://spdx.dev/Document", version: str = "v1") -> dict[str, Any]:
    return {
        "_type": f"https://in-toto.io/Statement/{version}",
        "predicateType": kind,
        "subject": [{"name": "registry.example.com/media/ffmpeg", "digest": {"sha256": DIGEST}}],
        "predicate": predicate,
    }


def envelope(value: Any, *, url_safe: bool = False) -> dict[str, Any]:
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    payload = encode(json.dumps(value, ensure_ascii=False).encode()).decode()
    return {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": [{"sig": "AA=="}]}


def bundle(value: Any) -> dict[str, Any]:
    return {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope(value)}


def data(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("document", [CYCLONEDX, SPDX], ids=["CycloneDX", "SPDX"])
@pytest.mark.parametrize("wrapped", [statement, lambda d: envelope(statement(d)), lambda d: bundle(statement(d))])
def test_a_document_is_found_in_its_envelopes(document: dict[str, Any], wrapped: Callable[[Any], Any]) -> None:
    opened = open_attached(data(wrapped(document)))
    assert [package.name for package in opened.document.packages] == ["x264"]
    assert (opened.stated, opened.predicate_type) == ({f"sha256:{DIGEST}"}, "https://spdx.dev/Document")


def test_a_bare_document_states_nothing() -> None:
    opened = open_attached(data(CYCLONEDX))
    assert (opened.document.format, opened.stated, opened.predicate_type) == ("CycloneDX", None, "")


def test_a_statement_without_subjects_states_an_empty_set() -> None:
    """As BuildKit writes it where the export has no name."""
    assert open_attached(data({**statement(SPDX), "subject": []})).stated == frozenset()


def test_cosigns_older_predicates_are_read() -> None:
    text = json.dumps(SPDX)
    for predicate in ({"Data": SPDX, "Timestamp": ""}, {"Data": text, "Timestamp": ""}, text):
        assert open_attached(data(envelope(statement(predicate, version="v0.1")))).document.format == "SPDX"


def test_both_alphabets_of_base64_are_read() -> None:
    odd = {**SPDX, "name": "\u00ff\u00fe?>~" * 9}
    for url_safe in (False, True):
        assert open_attached(data(envelope(statement(odd), url_safe=url_safe))).document.format == "SPDX"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"", "no JSON"),
        (b"[]", "neither CycloneDX JSON nor SPDX JSON"),
        (b"null", "neither CycloneDX JSON nor SPDX JSON"),
        (b"{}", "neither CycloneDX JSON nor SPDX JSON"),
        (b'{"a": "b"}', "neither CycloneDX JSON nor SPDX JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b'<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6"/>', "is XML"),
        (b"SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n", "tag-value form"),
        (data({"bomFormat": "CycloneDX"}), "specVersion is missing"),
        (data({**CYCLONEDX, "components": {"name": "x264"}}), "isn't an array"),
        (data(statement(None)), "no predicate"),
        (data(statement([CYCLONEDX])), "no predicate"),
        (data(statement({"buildType": "x"}, "https://slsa.dev/provenance/v1")), "neither CycloneDX JSON nor SPDX"),
        (data(statement("SPDXVersion: SPDX-2.3")), "tag-value form"),
        (data({**statement(SPDX), "subject": {"digest": {}}}), "subject isn't an array"),
        (data({**envelope(statement(SPDX)), "payload": 7}), "payload isn't a text"),
        (data({**envelope(statement(SPDX)), "payload": "=="}), "no base64"),
        (data({**envelope(statement(SPDX)), "payload": "\u00e9"}), "no base64"),
        (data({**envelope(statement(SPDX)), "payloadType": "text/plain"}), "'text/plain', where"),
        (data(envelope(SPDX)), "payload is no in-toto statement"),
        (data(envelope(envelope(statement(SPDX)))), "payload is no in-toto statement"),
        (
            data({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "messageSignature": {}}),
            "holds a signature",
        ),
        (data({**bundle(statement(SPDX)), "dsseEnvelope": []}), "neither CycloneDX JSON nor SPDX JSON"),
    ],
)
def test_what_is_no_sbom_is_told_in_a_line(value: bytes, words: str) -> None:
    with pytest.raises(InvalidSbom, match=words) as caught:
        open_attached(value)
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.fixture
def generous() -> Iterator[None]:
    """A test suite may have raised the limit beyond what the stack holds: the parser would end the process."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10**6)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("generous")
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_document_that_is_nested_without_end_is_refused(opening: bytes) -> None:
    with pytest.raises(InvalidSbom, match=f"nested more than {DEEPEST} deep"):
        open_attached(opening * 3_000_000)
    bomb = base64.b64encode(opening * 1_000_000).decode()
    with pytest.raises(InvalidSbom, match="nested more than"):
        open_attached(data({"payloadType": "application/vnd.in-toto+json", "payload": bomb}))


def test_brackets_in_texts_are_no_nesting() -> None:
    named = {**CYCLONEDX, "components": [{"name": "[" * 1000 + '\\"{', "type": "library"}] * 2}
    assert len(open_attached(data(named)).document.packages) == 2


def test_a_document_of_absurd_length_is_refused() -> None:
    with pytest.raises(InvalidSbom, match=f"at most {LONGEST} are read"):
        open_attached(b'{"a": "' + b"x" * LONGEST + b'"}')


_KEYS = (
    *("_type", "subject", "digest", "sha256", "predicate", "predicateType", "payload", "payloadType", "mediaType"),
    *("dsseEnvelope", "bomFormat", "specVersion", "spdxVersion", "components", "packages", "name"),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(_JSON, st.sampled_from(("statement", "envelope", "bundle", "bare")))
def test_nothing_but_our_own_error_is_raised(value: Any, form: str) -> None:
    wrapped = {
        "statement": lambda: statement(value),
        "envelope": lambda: envelope(value),
        "bundle": lambda: bundle(statement(value)),
        "bare": lambda: value,
    }[form]()
    try:
        attached.open_attached(data(wrapped))
    except InvalidSbom as error:
        assert len(str(error)) < 600
