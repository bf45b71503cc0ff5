from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.errors import UsageError
from pytest_mediaimage.ffmpeg import (
    ORDER,
    FFmpegIdentity,
    License,
    enabled_options,
    exceeds,
    read_identity,
    read_license,
    release,
    strictest,
)
from pytest_mediaimage.ffmpeg.build import read_build
from pytest_mediaimage.ffmpeg.components import Component, Demand
from pytest_mediaimage.ffmpeg.components.rows import ROWS
from pytest_mediaimage.ffmpeg.evidence import Evidence
from pytest_mediaimage.ffmpeg.identity import LICENSE_TEXTS

LGPL2, LGPL3, GPL2, GPL3, NONFREE = ORDER
TEXTS = {spdx: text for text, spdx in LICENSE_TEXTS.items()}


def made(configuration: str | None, *stated: str, version: str | None = "n8.1.2", lavc: str = "") -> FFmpegIdentity:
    names = ("libavcodec", "libavutil")
    return FFmpegIdentity(
        kind="library",
        version=version,
        configuration=configuration,
        licenses=dict(zip(names, (TEXTS[one] for one in stated), strict=False)),
        libraries={"libavcodec": lavc} if lavc else {},
        compiler=None,
        offsets={},
    )


def identify(file: Path) -> FFmpegIdentity:
    identity = read_identity(file)
    assert identity is not None
    return identity


def codes(license: License) -> set[str]:
    return {conflict.code for conflict in license.conflicts}


@pytest.mark.parametrize(
    ("configuration", "concluded", "expected"),
    [
        ("", LGPL2, set()),
        ("--enable-shared --enable-libvpx", LGPL2, set()),
        ("--enable-version3 --enable-libopencore-amrnb", LGPL3, set()),
        ("--enable-gpl --enable-libx264", GPL2, set()),
        ("--enable-gpl --enable-version3 --enable-libx264 --enable-gmp", GPL3, set()),
        ("--enable-gpl --disable-gpl", LGPL2, set()),
        ("--disable-gpl --enable-gpl", GPL2, set()),
        ("--enable-libx264 --enable-gpl --disable-libx264", GPL2, set()),
        # Debian's configuration: libcdio-paranoia is GPL-3.0-or-later
        ("--enable-gpl --enable-libcdio", GPL3, {"library-stricter-than-stated"}),
        ("--enable-version3 --enable-liblensfun", GPL3, {"library-stricter-than-stated"}),
        # no configure of FFmpeg's own lets these pass
        ("--enable-libx264", GPL2, {"gpl-library-without-gpl"}),
        ("--enable-version3 --enable-libx265", GPL3, {"gpl-library-without-gpl"}),
        ("--enable-gpl --enable-libaribb24", GPL3, {"version3-library-without-version3"}),
        (
            "--enable-libsmbclient",
            GPL3,
            {"gpl-library-without-gpl", "version3-library-without-version3"},
        ),
        ("--enable-gpl --enable-openssl", GPL3, {"gpl-with-openssl"}),
        ("--enable-gpl --enable-libfdk-aac", NONFREE, {"gpl-with-incompatible-library"}),
        ("--enable-gpl --enable-libfdk_aac", NONFREE, {"gpl-with-incompatible-library"}),
        ("--enable-libx264 --enable-libfdk-aac", NONFREE, {"gpl-with-incompatible-library", "gpl-library-without-gpl"}),
        ("--enable-cuda-nvcc", NONFREE, {"nonfree-library-without-nonfree"}),
        # these it does
        ("--enable-libfdk-aac", LGPL2, set()),
        ("--enable-openssl", LGPL2, set()),
        ("--enable-gpl --enable-version3 --enable-openssl", GPL3, set()),
        ("--enable-nonfree", NONFREE, {"nonfree-flag", "nonfree-flag-unneeded"}),
        ("--enable-nonfree --enable-gpl --enable-libx264", NONFREE, {"nonfree-flag", "nonfree-flag-unneeded"}),
        ("--enable-nonfree --enable-gpl --enable-openssl", NONFREE, {"nonfree-flag"}),
        ("--enable-nonfree --enable-libnpp", NONFREE, {"nonfree-flag"}),
        (
            "--enable-nonfree --enable-gpl --enable-libfdk-aac",
            NONFREE,
            {"nonfree-flag", "gpl-with-incompatible-library"},
        ),
    ],
)
def test_conclusion(configuration: str, concluded: str, expected: set[str]) -> None:
    license = read_license(made(configuration))
    assert (license.concluded, codes(license)) == (concluded, expected)


def test_text_against_configuration() -> None:
    license = read_license(made("--enable-gpl", LGPL2))
    assert (license.stated, license.flags, license.concluded) == (LGPL2, GPL2, GPL2)
    assert codes(license) == {"text-and-configuration-disagree"}
    license = read_license(made("", GPL3))
    assert (license.stated, license.flags, license.concluded) == (GPL3, LGPL2, GPL3)


def test_texts_that_differ() -> None:
    license = read_license(made(None, GPL2, LGPL3))
    assert (license.stated, license.flags, license.concluded) == (GPL2, None, GPL2)
    assert codes(license) == {"texts-differ"}


def test_text_alone() -> None:
    assert read_license(made(None, NONFREE)).concluded == NONFREE
    assert codes(read_license(made(None, NONFREE))) == {"nonfree-flag"}
    assert read_license(made(None)).concluded is None


@pytest.mark.parametrize(
    ("version", "lavc", "fine"),
    [("7.1.5", "", False), ("n8.1.2", "", True), ("N-1-gabc", "61.19.101", False), ("N-1-gabc", "63.1.102", True)],
)
def test_demands_that_ended(version: str, lavc: str, fine: bool) -> None:
    """libtls was held for incompatible with the GPL up to FFmpeg 8.0."""
    license = read_license(made("--enable-gpl --enable-libtls", version=version, lavc=lavc))
    assert (license.concluded, codes(license)) == (
        (GPL2, set()) if fine else (NONFREE, {"gpl-with-incompatible-library"})
    )


@pytest.mark.parametrize(
    ("version", "lavc", "expected"),
    [
        ("n8.1.2", "", (8, 1)),
        ("5.1.9-0+deb12u1", "", (5, 1)),
        ("n9.0.2-17-g2a571b6068-20260930", "", (9, 0)),
        ("N-118315-g4f3c9f2f03", "61.19.100", (7, None)),
        ("git-2020-01-01-abcdef0", "", None),
        ("2024-01-11-git-ef2c97c1d2", "60.37.100", (6, None)),
        (None, "", None),
    ],
)
def test_release(version: str | None, lavc: str, expected: object) -> None:
    assert release(made("", version=version, lavc=lavc)) == expected


def part(
    id: str,
    demand: Demand | None = None,
    *,
    version: str | None = None,
    license: str | None = None,
    text: str = "",
    at: int | None = None,
) -> Component:
    """A library as the matcher finds it inside a file."""
    row = ROWS[id]
    evidence = (Evidence("presence-text", text, at, 0.9),) if text else ()
    return Component(row.name, id, version, license or row.license, demand or row.demand, "static", evidence)


def message(license: License, code: str) -> str:
    (found,) = [conflict.message for conflict in license.conflicts if conflict.code == code]
    return found


def test_a_library_that_is_found_counts_though_no_flag_names_it() -> None:
    identity = replace(made("--enable-version3", LGPL3), offsets={"license:libavcodec": 4096})
    x265 = part("libx265", version="4.2", text="x265 [info]: HEVC encoder version %s", at=88)
    license = read_license(identity, [x265])
    assert (license.stated, license.concluded) == (LGPL3, GPL3)
    said = message(license, "gpl-library-without-gpl")
    assert (
        "stated LGPL-3.0-or-later ('libavcodec license: LGPL version 3 or later' at byte 4096), holds x265 4.2" in said
    )
    assert "(GPL-2.0-or-later; static: 'x265 [info]: HEVC encoder version %s' at byte 88)" in said
    assert "sold for x265" in said
    assert license.conflicts[-1].components == (x265,)


def test_without_a_configure_line_the_text_is_what_is_stated() -> None:
    license = read_license(made(None, LGPL2), [part("libx264")])
    assert (license.stated, license.flags, license.concluded) == (LGPL2, None, GPL2)
    assert "--enable-gpl" not in message(license, "gpl-library-without-gpl")
    assert read_license(made(None, GPL3), [part("libx264")]).conflicts == ()


def test_gpl_with_fdk_aac_names_both_with_their_places() -> None:
    parts = [part("libfdk_aac", version="2.0.3", text="FDK", at=7), part("libx264", text="x264 - core", at=9)]
    license = read_license(made("--enable-gpl", GPL2), parts)
    said = message(license, "gpl-with-incompatible-library")
    assert license.concluded == NONFREE
    assert "2.0.3 (FDK-AAC; static: 'FDK' at byte 7)" in said and "'x264 - core' at byte 9" in said


def test_fdk_aac_alone_is_no_conflict() -> None:
    license = read_license(made("", LGPL2), [part("libfdk_aac")])
    assert (license.concluded, license.conflicts) == (LGPL2, ())


@pytest.mark.parametrize(
    ("configuration", "demand", "version", "concluded", "expected"),
    [
        ("--enable-gpl --enable-openssl", Demand.NOT_GPL, "1.1.1w", NONFREE, {"gpl-with-openssl"}),
        ("--enable-gpl --enable-version3 --enable-openssl", Demand.NOT_GPL, "1.1.1w", NONFREE, {"gpl-with-openssl"}),
        ("--enable-gpl --enable-openssl", Demand.VERSION3_WITH_GPL, "3.0.15", GPL3, {"gpl-with-openssl"}),
        ("--enable-gpl --enable-openssl", Demand.OPENSSL, None, GPL3, {"gpl-with-openssl"}),
        ("--enable-gpl --enable-version3 --enable-openssl", Demand.VERSION3_WITH_GPL, "3.0.15", GPL3, set()),
        ("--enable-openssl", Demand.NOT_GPL, "1.1.1w", LGPL2, set()),
        # libsrt brought it along: configure asks for nothing, and the old one is still what the GPL can't stand beside
        ("--enable-gpl --enable-libsrt", Demand.VERSION3_WITH_GPL, "3.0.15", GPL2, set()),
        ("--enable-gpl --enable-libsrt", Demand.NOT_GPL, "1.1.1w", NONFREE, {"gpl-with-openssl"}),
    ],
)
def test_openssl_by_its_version(
    configuration: str, demand: Demand, version: str | None, concluded: str, expected: set[str]
) -> None:
    license = read_license(made(configuration), [part("openssl", demand, version=version, text="OpenSSL", at=5)])
    assert (license.concluded, codes(license)) == (concluded, expected)
    if version and expected:
        assert f"OpenSSL {version}" in message(license, "gpl-with-openssl")
        assert "at byte 5" in message(license, "gpl-with-openssl")


def test_what_came_with_another_library_asks_for_no_version3() -> None:
    """GMP in GnuTLS: LGPL 3 or GPL 2, at its user's choice."""
    license = read_license(made("--enable-gpl --enable-gnutls"), [part("gmp"), part("mbedtls")])
    assert (license.concluded, license.conflicts) == (GPL2, ())
    license = read_license(made("--enable-gpl --enable-gmp"), [part("gmp")])
    assert codes(license) == {"version3-library-without-version3"}


def test_the_nonfree_flag_without_a_nonfree_part() -> None:
    without = read_license(made("--enable-nonfree --enable-libvpx"), [part("libvpx")])
    assert "no part was found that needs the nonfree flag" in message(without, "nonfree-flag-unneeded")
    with_npp = read_license(made("--enable-nonfree --enable-libnpp"), [part("libnpp")])
    assert codes(with_npp) == {"nonfree-flag"}


def test_real_builds(build: Path) -> None:
    read = read_build(build)
    assert read is not None
    license = read_license(read.identity, read.components)
    if "ffprobe" in build.name or build.parent == Path("/usr/bin"):
        assert license.concluded in (GPL2, GPL3)
    else:
        assert (license.stated, license.flags, license.concluded) == (GPL3, GPL3, GPL3)
        assert license.conflicts == ()
    assert "libx264" in {one.id for one in license.components}


def test_a_build_that_moved_x264_out_of_the_gpl_list(bundled: dict[str, Path]) -> None:
    read = read_build(bundled["libavcodec"])
    assert read is not None
    if "--enable-libx264" not in (read.configuration or ""):
        pytest.skip("this PyAV has no x264")
    license = read_license(read.identity, read.components)
    assert license.stated == license.flags == LGPL3
    assert license.concluded == GPL3
    assert codes(license) == {"gpl-library-without-gpl"}
    said = message(license, "gpl-library-without-gpl")
    assert "stated LGPL-3.0-or-later" in said and "x264 (GPL-2.0-or-later; shared: 'libx264" in said
    at = int(said.partition("' at byte ")[2].partition(")")[0])
    text = bundled["libavcodec"].read_bytes()[at : at + 43]
    assert text == b"libavcodec license: LGPL version 3 or later", "the offset in the message is the text's"


def test_order() -> None:
    for low, one in enumerate(ORDER):
        for high, other in enumerate(ORDER):
            assert exceeds(one, other) == (low > high)
    assert strictest([None, LGPL3, GPL2]) == GPL2
    assert strictest([None]) is None


@pytest.mark.parametrize("name", ["GPL3", "GPL-3.0-only", "MIT", ""])
def test_unknown_licence(name: str) -> None:
    with pytest.raises(UsageError, match=r"LGPL-2\.1-or-later"):
        exceeds(GPL2, name)
    with pytest.raises(UsageError, match="no licence of FFmpeg"):
        exceeds(name, GPL2)


def test_options() -> None:
    line = "--enable-gpl --extra-libs='-lm --enable-nonfree' --disable-encoder='a,b' --disable-libx264 --enable-libx264"
    assert enabled_options(line) == {"gpl": True, "libx264": True}
    assert enabled_options("--enable-gpl --extra-cflags='-O2") == {"gpl": True}


OPTIONS = sorted(id for id, row in ROWS.items() if row.option and row.demand is not Demand.NONE)


@given(st.lists(st.sampled_from(OPTIONS), unique=True), st.sets(st.sampled_from(["gpl", "version3", "nonfree"])))
def test_never_less_than_what_is_said(libraries: list[str], flags: set[str]) -> None:
    line = " ".join(f"--enable-{name.replace('_', '-')}" for name in (*libraries, *flags))
    license = read_license(made(line))
    assert license.flags and license.concluded and not exceeds(license.flags, license.concluded)
    demands = {one.demand for one in license.components}
    if demands & {Demand.GPL, Demand.GPLV3}:
        assert not exceeds(GPL2, license.concluded)
    if Demand.NONFREE in demands:
        assert license.concluded == NONFREE
    # A build that configure lets pass shows none of the conflicts which it refuses.
    more = read_license(made(line + " --enable-gpl --enable-version3 --enable-nonfree"))
    assert not {code for code in codes(more) if "without" in code}
