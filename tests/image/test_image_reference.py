"""References, digests and platforms: what may be written, and that nothing but InvalidReference comes of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_mediaimage.errors import ImageNotFound, InvalidReference
from pytest_mediaimage.image.digest import Digest, Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image

SHA256 = "sha256:" + "0123456789abcdef" * 4
SHA512 = "sha512:" + "0123456789abcdef" * 8
LONGEST_TAG = "t" * 128

# text: transport, location, tag, digest
GOOD = {
    "demo": ("demo", "demo", "", ""),
    "ffmpeg": ("", "ffmpeg", "", ""),
    "ffmpeg:7.1": ("", "ffmpeg", "7.1", ""),
    f"ffmpeg@{SHA256}": ("", "ffmpeg", "", SHA256),
    f"ffmpeg:7.1@{SHA512}": ("", "ffmpeg", "7.1", SHA512),
    f"ffmpeg:{LONGEST_TAG}": ("", "ffmpeg", LONGEST_TAG, ""),
    "demo:1": ("", "demo", "1", ""),
    "registry.example.com/org/media/ffmpeg:1": ("", "registry.example.com/org/media/ffmpeg", "1", ""),
    "localhost/x": ("", "localhost/x", "", ""),
    "localhost:5000/x": ("", "localhost:5000/x", "", ""),
    "build-host:5000/a/b_c/d__e/f--g.h:1": ("", "build-host:5000/a/b_c/d__e/f--g.h", "1", ""),
    "[::1]:5000/x": ("", "[::1]:5000/x", "", ""),
    "Registry.Example.org/x": ("", "Registry.Example.org/x", "", ""),
    "docker:ffmpeg": ("docker", "ffmpeg", "", ""),
    "docker:registry.example.com/org/x:1": ("docker", "registry.example.com/org/x", "1", ""),
    "docker/ffmpeg": ("", "docker/ffmpeg", "", ""),
    f"docker:{'0' * 64}": ("docker", "0" * 64, "", ""),
    "oci:build/layout": ("oci", "build/layout", "", ""),
    "oci:build/layout:7.1": ("oci", "build/layout", "7.1", ""),
    "oci:/a:b/layout": ("oci", "/a:b/layout", "", ""),
    f"oci:dir@{SHA256}": ("oci", "dir", "", SHA256),
    f"oci:dir:1@{SHA256}": ("oci", "dir", "1", SHA256),
    "oci:/home/me/My Project/layout:1": ("oci", "/home/me/My Project/layout", "1", ""),
    "oci:/jenkins/job@2/layout:1": ("oci", "/jenkins/job@2/layout", "1", ""),
    "oci:/node_modules/@org/layout": ("oci", "/node_modules/@org/layout", "", ""),
    f"oci:/job@2/layout@{SHA256}": ("oci", "/job@2/layout", "", SHA256),
    "oci-archive:ffmpeg.tar": ("oci-archive", "ffmpeg.tar", "", ""),
    "oci-archive:ffmpeg.tar:1": ("oci-archive", "ffmpeg.tar", "1", ""),
    "registry:registry.example.com/org/x:1": ("registry", "registry.example.com/org/x", "1", ""),
    f"registry:localhost:5000/x:1@{SHA256}": ("registry", "localhost:5000/x", "1", SHA256),
    "registry:[::1]:5000/x": ("registry", "[::1]:5000/x", "", ""),
    "registry:2": ("registry", "2", "", ""),
    "podman:localhost/ffmpeg:7.1": ("podman", "localhost/ffmpeg", "7.1", ""),
    f"podman:ffmpeg@{SHA256}": ("podman", "ffmpeg", "", SHA256),
    "docker-archive:build/ffmpeg.tar": ("docker-archive", "build/ffmpeg.tar", "", ""),
    "docker-archive:build/ffmpeg.tar:7.1": ("docker-archive", "build/ffmpeg.tar", "7.1", ""),
    "docker-archive:build/ffmpeg.tar:org/ffmpeg:7.1": ("docker-archive", "build/ffmpeg.tar", "org/ffmpeg:7.1", ""),
    "docker-archive:/a/x.tar:localhost:5000/org/x:1": ("docker-archive", "/a/x.tar", "localhost:5000/org/x:1", ""),
    "docker-archive:/a:b/x.tar": ("docker-archive", "/a:b/x.tar", "", ""),
    f"docker-archive:x.tar@{SHA256}": ("docker-archive", "x.tar", "", SHA256),
    "./layout": ("", "./layout", "", ""),
    "../layout:1": ("", "../layout", "1", ""),
    "/abs/ffmpeg.tar": ("", "/abs/ffmpeg.tar", "", ""),
    "~/layout": ("", "~/layout", "", ""),
    f"./layout@{SHA256}": ("", "./layout", "", SHA256),
    "oci:демо/🎬": ("oci", "демо/🎬", "", ""),
}


@pytest.mark.parametrize("text", GOOD)
def test_parts(text: str) -> None:
    reference = Reference.parse(text)
    assert (reference.transport, reference.location, reference.tag, reference.digest) == GOOD[text]
    assert str(reference) == reference.text == text
    assert reference.pinned == bool(reference.digest)
    if reference.transport != "demo":
        assert text.endswith(reference.without_transport)


BAD = {
    "": "no image reference",
    " ": "no image reference",
    "ffmpeg ": "no image reference",
    "ff mpeg": "no image reference",
    "ffmpeg\n": "no image reference",
    "oci:a\0b": "no image reference",
    "FFmpeg": "no image reference",
    "ffmpeg:": "is no tag",
    "ffmpeg:-1": "is no tag",
    f"ffmpeg:{LONGEST_TAG}t": "is no tag",
    "ffmpeg@": "no digest",
    "ffmpeg@sha256:123": "no digest",
    "ffmpeg@sha256:" + "A" * 64: "no digest",
    "ffmpeg@md5:" + "0" * 32: "no digest",
    f"ffmpeg@{SHA256}0": "no digest",
    "oci:": "names no path",
    f"oci:@{SHA256}": "names no path",
    "oci:dir@sha256:123": "no digest",
    "docker:": "no image reference",
    "a//b": "no image reference",
    "a/b/": "no image reference",
    "-a": "no image reference",
    "a..b": "no image reference",
    "a___b": "no image reference",
    "https://registry.example.com/x": "no image reference",
    "registry:": "no image reference",
    "registry:Org/x": "no image reference",
    "podman:": "no image reference",
    "podman:./x": "no image reference",
    "docker-archive:": "names no path",
    "a" * 256: "more than 255 characters",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:40]))
def test_refused(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    assert BAD[text] in caught.value.message
    assert caught.value.remedy
    assert len(str(caught.value)) < 500


def test_capitals_are_explained() -> None:
    with pytest.raises(InvalidReference, match="lower case"):
        Reference.parse("registry.example.com/Org/ffmpeg")


WORDS = [
    "docker:",
    "oci:",
    "oci-archive:",
    "docker-archive:",
    "podman:",
    "registry:",
    "demo",
    "@",
    ":",
    "/",
    ".",
    "~",
    "ffmpeg",
    SHA256,
    "\n",
    "é",
    "A",
]


@given(st.text() | st.lists(st.sampled_from(WORDS)).map("".join))
@example("~nobody-of-that-name/layout")
@example("oci:~nobody-of-that-name/layout")
@example("oci:" + "a" * 300)
@example("./" + "a" * 5000)
@example("oci:\ud800")
def test_any_text(text: str) -> None:
    """A reference or InvalidReference; and what can be parsed can be looked for."""
    try:
        reference = Reference.parse(text)
    except InvalidReference:
        return
    assert Reference.parse(reference.text) == reference
    if reference.transport in ("oci", "oci-archive", "docker-archive") or reference.location.startswith(
        (".", "/", "~")
    ):
        nothing = Reference(text, reference.transport, f"{reference.location}\x7f", reference.tag, reference.digest)
        with pytest.raises(ImageNotFound) as caught:
            open_image(nothing, Platform("linux/amd64"), Opening(Path("/nonexistent")))
        assert all(reason for _, reason in caught.value.tried)


@given(st.text() | st.from_regex(r"\Asha(256|512):[0-9a-fA-F]{0,130}\n?\Z"))
def test_any_digest(text: str) -> None:
    try:
        digest = Digest(text)
    except InvalidReference:
        return
    assert digest == text
    assert (digest.algorithm, len(digest.hex)) in {("sha256", 64), ("sha512", 128)}


@pytest.mark.parametrize("text", ["", "sha256:", SHA256 + "\n", SHA256.upper(), "sha256:" + "0" * 128, SHA512[:-1]])
def test_no_digest(text: str) -> None:
    with pytest.raises(InvalidReference, match="is no digest"):
        Digest(text)


@pytest.mark.parametrize(
    ("text", "expected", "os", "architecture"),
    [
        ("linux/amd64", "linux/amd64", "linux", "amd64"),
        ("linux/arm64/v8", "linux/arm64", "linux", "arm64"),
        ("linux/amd64/v1", "linux/amd64", "linux", "amd64"),
        ("linux/amd64/v3", "linux/amd64/v3", "linux", "amd64"),
        ("linux/arm/v7", "linux/arm/v7", "linux", "arm"),
        ("windows/amd64", "windows/amd64", "windows", "amd64"),
    ],
)
def test_platform(text: str, expected: str, os: str, architecture: str) -> None:
    platform = Platform(text)
    assert (platform, platform.os, platform.architecture) == (expected, os, architecture)


@pytest.mark.parametrize(
    "text", ["", "linux", "linux/", "/amd64", "linux/amd64/v1/x", "Linux/amd64", "linux/amd64\n", "a/b c"]
)
def test_no_platform(text: str) -> None:
    with pytest.raises(InvalidReference, match="is no platform"):
        Platform(text)


@given(st.text() | st.lists(st.sampled_from(["linux", "/", "amd64", "v8", "", " "])).map("".join))
def test_any_platform(text: str) -> None:
    try:
        platform = Platform(text)
    except InvalidReference:
        return
    assert Platform(platform) == platform
    assert Platform.of(*platform.split("/")) == platform


def test_host() -> None:
    assert Platform.host().os == "linux"
