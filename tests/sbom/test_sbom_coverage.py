from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.ffmpeg import FFmpegIdentity
from pytest_mediaimage.ffmpeg.build import Build
from pytest_mediaimage.sbom import FoundBuild, SyftRun, load_bom, merge, names_ffmpeg

LIB = "/usr/lib/x86_64-linux-gnu"


@pytest.fixture(scope="session")
def debian(syft: Path, debian_root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What syft says of a Debian with the packages ffmpeg, libavcodec59 and libavutil57."""
    base = tmp_path_factory.mktemp("syft")
    run = SyftRun(f"dir:{debian_root}", platform=None, cache=base / "cache", key="debian", work=base / "work")
    bom = load_bom(run.result(60))
    assert bom is not None
    return bom


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/usr/bin/ffmpeg", True),
        ("/usr/bin/ffprobe", True),
        (f"{LIB}/libavcodec.so.59.37.100", True),
        (f"{LIB}/libavcodec.so.59", True),
        (f"{LIB}/libavcodec.so.61", False),
        (f"{LIB}/libswscale.so.6.7.100", False),  # its package isn't there
        ("/usr/local/bin/ffmpeg", False),
        ("/opt/ffmpeg/bin/ffmpeg", False),
        ("/app/av.libs/libavcodec-5e6b81c2.so.62.28.102", False),
    ],
)
def test_debian_by_custom(debian: dict[str, Any], path: str, expected: bool) -> None:
    assert names_ffmpeg(debian, path) is expected


def test_debian_by_owner(debian: dict[str, Any]) -> None:
    assert names_ffmpeg(debian, "/usr/bin/ffmpeg", owners=["ffmpeg"])
    assert names_ffmpeg(debian, f"{LIB}/libavcodec.so.59", owners=["libavcodec59"])
    # a file that was copied over the package's, or that another package owns
    assert not names_ffmpeg(debian, "/usr/bin/ffmpeg", owners=[])
    assert not names_ffmpeg(debian, "/usr/bin/ffmpeg", owners=["coreutils"])


def test_another_release_is_another_ffmpeg(debian: dict[str, Any]) -> None:
    assert names_ffmpeg(debian, "/usr/bin/ffmpeg", version="5.1.9-0+deb12u1")
    assert not names_ffmpeg(debian, "/usr/bin/ffmpeg", version="n8.1.2")
    assert names_ffmpeg(debian, "/usr/bin/ffmpeg", version="N-118315-g4f3c9f2f03")


def test_our_own_component(static_identity: FFmpegIdentity) -> None:
    build = FoundBuild((("/opt/bin/encode", "sha256:1"),), Build(static_identity))
    sbom = merge(None, [build], image_name="x", image_digest="sha256:2")
    assert names_ffmpeg(sbom, "/opt/bin/encode", version="n8.1.2", owners=[])
    assert not names_ffmpeg(sbom, "/opt/bin/decode")
    assert not names_ffmpeg(merge(None, [], image_name="x", image_digest="sha256:2"), "/opt/bin/encode")


def component(name: str, purl: str = "", location: str = "", **more: Any) -> dict[str, Any]:
    places = [{"name": "syft:location:0:path", "value": location}] if location else []
    return {"name": name, "purl": purl, "properties": [*places, *more.pop("properties", [])], **more}


@pytest.mark.parametrize(
    ("held", "path", "expected"),
    [
        # syft from 1.32 on recognises some static builds by their place
        (component("ffmpeg", "pkg:generic/ffmpeg@7.1", "/usr/local/bin/ffmpeg"), "/usr/local/bin/ffmpeg", True),
        (component("ffmpeg", "pkg:generic/ffmpeg@7.1", "/usr/local/bin/ffmpeg"), "/opt/ffmpeg", False),
        (component("imageio-ffmpeg", "pkg:pypi/imageio-ffmpeg@1", "/x/METADATA"), "/x/ffmpeg-linux", False),
        (component("busybox", "pkg:generic/busybox", "/bin/ffmpeg"), "/bin/ffmpeg", False),
        (component("ffmpeg-libavcodec", "pkg:apk/alpine/ffmpeg-libavcodec@6"), "/usr/lib/libavcodec.so.60", True),
        (component("ffmpeg-libs", "pkg:apk/alpine/ffmpeg-libs@5"), "/usr/lib/libavcodec.so.59", True),
        (component("libavcodec-free", "pkg:rpm/fedora/libavcodec-free@7"), "/usr/lib64/libavcodec.so.61", True),
        (component("ffmpeg-free", "pkg:rpm/fedora/ffmpeg-free@7"), "/usr/bin/ffmpeg", True),
        (component("ffmpeg", "pkg:alpm/arch/ffmpeg@7"), "/usr/lib/libavcodec.so.61", True),
        (component("ffmpeg", "pkg:deb/debian/ffmpeg@7"), "/usr/lib/libavcodec.so.61", False),
        (component("libavcodec-extra61", "pkg:deb/debian/x@7"), "/usr/lib/libavcodec.so.61.19.101", True),
        (component("libavutil59t64", "pkg:deb/ubuntu/x@7"), "/lib/libavutil.so.59", True),
        (component("vlc", "pkg:deb/debian/vlc@3"), "/usr/bin/ffmpeg", False),
        (component("libavc1394-0", "pkg:deb/debian/libavc1394-0@1"), "/usr/lib/libavcodec.so.59", False),
    ],
)
def test_other_distributions(held: dict[str, Any], path: str, expected: bool) -> None:
    assert names_ffmpeg({"components": [held]}, path) is expected
    assert names_ffmpeg({"components": [component("base", components=[held])]}, path) is expected


def test_package_known_by_its_source() -> None:
    """A library under another name counts, once the database says that it owns the file."""
    held = component("libpostproc55-custom", "pkg:deb/debian/x@7?arch=amd64&upstream=ffmpeg%407.1")
    held["purl"] = "pkg:deb/debian/x@7?arch=amd64&upstream=ffmpeg"
    path = "/usr/lib/libpostproc.so.55"
    assert names_ffmpeg({"components": [held]}, path, owners=["libpostproc55-custom"])
    other = component(
        "odd", "pkg:rpm/x/odd@1", properties=[{"name": "syft:metadata:sourceRpm", "value": "ffmpeg-7-1.src.rpm"}]
    )
    assert names_ffmpeg({"components": [other]}, path, owners=["odd"])
    other["properties"] = [{"name": "syft:metadata:sourceRpm", "value": "ffmpegthumbnailer-2-1.src.rpm"}]
    assert not names_ffmpeg({"components": [other]}, path, owners=["odd"])


KEYS = ["components", "name", "version", "purl", "properties", "value", "evidence", "occurrences", "location"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["ffmpeg", "/usr/bin/ffmpeg", "pkg:deb/d/ffmpeg@1", "syft:location:0:path"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_any_attached_document_is_survived(held: Any) -> None:
    assert names_ffmpeg({"components": held}, "/usr/bin/ffmpeg") in (True, False)
