"""What an attached SBOM lacks: names and versions are compared as differently as tools write them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mediaimage.sbom.bom import Sbom
from pytest_mediaimage.sbom.comparing import Ours, Purl, Theirs, differing, ours, same_version
from pytest_mediaimage.sbom.document import Document, Package


def theirs(*packages: Package) -> Theirs:
    return Theirs.of([Document("SPDX", "2.3", packages, frozenset())])


def deb(name: str, version: str, **more: Any) -> Package:
    return Package(name, version, f"pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12", **more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkg:deb/debian/libx264-164@2%3A0.164?arch=amd64", ("deb", "libx264-164", "2:0.164")),
        ("pkg:deb/ubuntu/Libx264-164", ("deb", "libx264-164", None)),
        ("pkg:pypi/Zope.Interface@5", ("pypi", "zope-interface", "5")),
        ("pkg:npm/%40angular/core@17.0.0", ("npm", "@angular/core", "17.0.0")),
        ("pkg:golang/github.com/a/b@v1#sub", ("golang", "github.com/a/b", "v1")),
        ("ffmpeg", None),
        ("", None),
        (None, None),
    ],
)
def test_purls(text: str | None, expected: tuple[str, str, str | None] | None) -> None:
    found = Purl.of(text)
    assert (found and (found.type, found.name, found.version)) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("7:5.1.9-0+deb12u1", "5.1.9-0+deb12u1", True),
        ("7:5.1.9-0+deb12u1", "5.1.9", True),
        ("v1.2.3", "1.2.3", True),
        ("1.2.3-r4", "1.2.3", True),
        ("5.1.9", "5.1", False),
        ("5.1.9-0+deb12u1", "5.1.8-0+deb12u1", False),
        ("2", "20", False),
        ("1.0", "1.0~rc1", False),
    ],
)
def test_versions(one: str, other: str, same: bool) -> None:
    assert same_version(one, other) is same_version(other, one) is same


@pytest.mark.parametrize(
    ("ours", "their_names", "named"),
    [
        (("x264", "libx264"), ["libx264-164"], True),
        (("x264", "libx264"), ["x264-libs"], True),
        (("x264", "libx264"), ["x264"], True),
        (("x264", "libx264"), ["x265", "libx264s-not", "openh264"], False),
        (("SVT-AV1", "libsvtav1"), ["libsvtav1enc1d1"], True),
        (("SVT-AV1", "libsvtav1"), ["svt-av1"], True),
        (("SVT-AV1", "libsvtav1"), ["libaom3", "rav1e"], False),
        (("LAME", "libmp3lame"), ["libmp3lame0"], True),
        (("LAME", "libmp3lame"), ["lame"], True),
        (("Opus", "libopus"), ["libopus0"], True),
        (("Opus", "libopus"), ["libopusfile0"], False),
        (("libvpx", "libvpx"), ["libvpx7"], True),
        (("Fraunhofer FDK AAC", "libfdk_aac"), ["libfdk-aac2"], True),
        (("dav1d", "libdav1d"), ["pkg/github.com/videolan/dav1d"], True),
    ],
)
def test_a_library_is_known_by_the_names_that_distributions_give_it(
    ours: tuple[str, str], their_names: list[str], named: bool
) -> None:
    one = Ours("library", Package(ours[0], "1.0"), id=ours[1])
    assert theirs(*(Package(name) for name in their_names)).names(one) is named


@pytest.mark.parametrize(
    ("version", "name", "their_version", "named"),
    [
        ("8.1", "ffmpeg", "8.1", True),
        ("8.1", "ffmpeg", None, True),
        ("N-118315-g4f3c9f2f03", "ffmpeg", "7.1", True),
        ("5.1.9-0+deb12u1", "ffmpeg", "7:5.1.9-0+deb12u1", True),
        ("5.1.9-0+deb12u1", "libavcodec59", "7:5.1.9-0+deb12u1", True),
        ("8.1", "ffmpeg", "7:5.1.9-0+deb12u1", False),
        ("8.1", "ffmpegthumbnailer", "8.1", False),
    ],
)
def test_a_build_is_named_by_its_release(version: str, name: str, their_version: str | None, named: bool) -> None:
    one = Ours("ffmpeg", Package("ffmpeg", version))
    assert theirs(Package(name, their_version)).names(one) is named


def test_what_calls_ffmpeg_is_none() -> None:
    build = Ours("ffmpeg", Package("ffmpeg", "N-118315-g4f3c9f2f03"))
    assert not theirs(Package("ffmpeg-python", "0.2.0", "pkg:pypi/ffmpeg-python@0.2.0")).names(build)
    assert theirs(Package("ffmpeg", "N-118315", "pkg:generic/ffmpeg@N-118315")).names(build)


def test_packages_are_named_by_purl_or_by_name() -> None:
    one = Ours("deb", deb("libc6", "2.36"))
    assert theirs(Package("other", None, "pkg:deb/ubuntu/libc6@2.31")).names(one)
    assert theirs(Package("libc6")).names(one)
    assert not theirs(Package("libc6", None, "pkg:rpm/x/libc@1"), Package("libc")).names(
        Ours("deb", deb("libc6-dev", "2"))
    )


def test_one_version_in_common_is_enough() -> None:
    npm = [Package("ms", version, f"pkg:npm/ms@{version}") for version in ("2.0.0", "2.1.3", "3.0.0")]
    held = [Ours("npm", package) for package in npm[:2]]
    assert list(differing(held, theirs(npm[1]))) == []
    (found,) = differing(held, theirs(npm[2]))
    assert (found.name, found.ours, found.theirs) == ("ms", "2.0.0", "3.0.0")
    assert list(differing(held, theirs(Package("ms", None, "pkg:npm/ms")))) == []
    assert list(differing([Ours("npm", Package("ms", "UNKNOWN", "pkg:npm/ms"))], theirs(npm[2]))) == []


def test_what_only_the_configuration_tells_or_only_headers_is_not_asked_for() -> None:
    def library(id: str, linkage: str, purl: str = "") -> dict[str, Any]:
        facts = {"id": id, "linkage": linkage}
        properties = [{"name": f"mediaimage:component:{name}", "value": value} for name, value in facts.items()]
        return {
            "type": "library",
            "name": id,
            "version": "1",
            "properties": properties,
            **({"purl": purl} if purl else {}),
        }

    components = [
        {
            "type": "application",
            "name": "ffmpeg",
            "version": "8.1",
            "properties": [{"name": "mediaimage:ffmpeg:version", "value": "8.1"}],
            "evidence": {"occurrences": [{"location": "/usr/local/bin/ffmpeg"}]},
        },
        library("libx264", "static"),
        library("libx265", "shared"),
        library("libvpx", "configured"),
        library("frei0r", "static"),
        library("libopus0", "shared", "pkg:deb/debian/libopus0@1"),
        {"type": "library", "name": "ms", "version": "1", "purl": "pkg:npm/ms@1"},
        {"type": "operating-system", "name": "debian", "version": "12"},
        {"type": "file", "name": "/etc/passwd"},
    ]
    found = list(ours(Sbom({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components})))
    assert [(one.kind, one.package.name) for one in found] == [
        ("ffmpeg", "ffmpeg"),
        ("library", "libx264"),
        ("library", "libx265"),
        ("deb", "libopus0"),
        ("npm", "ms"),
    ]
    assert found[0].place == "/usr/local/bin/ffmpeg"
