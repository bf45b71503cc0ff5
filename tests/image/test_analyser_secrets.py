"""Keys and credentials: any bytes, any cutting, and files made to take long."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.image.analysers.credentials import credentials, masked
from pytest_mediaimage.image.analysers.dos_scripts import DosScripts
from pytest_mediaimage.image.analysers.private_keys import private_keys
from pytest_mediaimage.image.analysers.secrets import Secrets
from pytest_mediaimage.image.analysers.small_files import LONGEST, SmallFiles
from pytest_mediaimage.image.entries import FILE, Entry

NAMES = [".aws/credentials", ".docker/config.json", ".npmrc", ".netrc", ".git/config", ".kube/config", ".env", "x.pem"]
PIECES = [
    b"-----BEGIN RSA PRIVATE KEY-----\n",
    b"-----END RSA PRIVATE KEY-----\n",
    b"-----BEGIN PRIVATE KEY-----\\n",
    b"-----END PRIVATE KEY-----",
    b"MIIEpAIBAAKCAQEA",
    b"Proc-Type: 4,ENCRYPTED\n\n",
    b'{"auths": {"r": {"auth": "YTpi',
    b"password ",
    b"client-key-data: ",
    b"\xff\x00",
]


def fact_of(path: str, data: bytes, *cuts: int) -> object:
    watcher = Secrets().watch(Entry(path, FILE, len(data)), data[:4096])
    if watcher is None:
        return None
    places = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    for start, end in pairwise(places):
        watcher.feed(data[start:end])
    return watcher.finish()


@given(
    st.sampled_from(NAMES),
    st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=40))).map(b"".join),
    st.lists(st.integers(0, 300), max_size=4),
)
def test_any_bytes_and_any_cutting(name: str, data: bytes, cuts: list[int]) -> None:
    assert fact_of(name, data, *cuts) == fact_of(name, data)


@given(st.text())
def test_any_text(text: str) -> None:
    assert list(credentials(text)) is not None and isinstance(masked(text), str)


@pytest.mark.parametrize(
    "piece",
    [
        b"-----BEGIN PRIVATE KEY-----",
        b"\n",
        b"extraheader",
        b"sk-",
        b"glpat-",
        b"password ",
        b"a://b:",
        b"eyJ",
        b"token:\n",
    ],
)
def test_repetition_takes_no_longer_than_its_length(piece: bytes) -> None:
    """Some of these take an hour with an expression that looks ahead from every place."""
    data = piece * ((1 << 20) // len(piece))
    for name in NAMES:
        fact = fact_of(name, data)
        assert fact is None or (isinstance(fact, list) and len(fact) == 1)
    assert list(private_keys(data)) == []


def test_a_masked_text_keeps_everything_but_the_secret() -> None:
    secret = "glpat-" + "a1B2c3D4e5" * 2
    assert masked(f"curl -H token:{secret} https://x") == "curl -H token:glpa… https://x"
    assert masked("RUN make # no secret") == "RUN make # no secret"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("etc/passwd", True),
        ("etc/os-release", True),
        ("usr/lib/os-release", True),
        ("nix/store/abc/etc/group", True),
        ("etc/shadow", False),
        ("app/passwd", False),
        ("etc/passwd-", False),
    ],
)
def test_which_small_files_are_kept(path: str, kept: bool) -> None:
    watcher = SmallFiles().watch(Entry(path, FILE, 4), b"a:\xff\n")
    assert (watcher is not None) is kept
    if watcher is not None:
        watcher.feed(b"a:")
        watcher.feed(b"\xff\n")
        assert watcher.finish().encode("utf-8", "surrogateescape") == b"a:\xff\n"


def test_a_long_file_is_not_kept() -> None:
    assert SmallFiles().watch(Entry("etc/passwd", FILE, LONGEST + 1), b"a") is None


@pytest.mark.parametrize(
    ("head", "fact"),
    [
        (b"#!/bin/sh\r\nx", "/bin/sh"),
        (b"#! /usr/bin/env python3 \r\n", "/usr/bin/env python3"),
        (b"#!/bin/sh\nx\r\n", None),
        (b"#!/bin/sh", None),
        (b"x\r\n#!/bin/sh\r\n", None),
    ],
)
def test_scripts_with_the_line_ends_of_windows(head: bytes, fact: str | None) -> None:
    watcher = DosScripts().watch(Entry("x", FILE, len(head)), head)
    assert (watcher.finish() if watcher else None) == fact
