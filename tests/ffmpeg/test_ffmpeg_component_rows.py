"""The table of libraries: each text and symbol against builds that have the library, and builds that haven't."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import debs, libraries, published, signatures, tiny_ffmpeg
from support.signatures import SIGNATURES, Signature

from pytest_mediaimage.ffmpeg.components import Demand, proofs
from pytest_mediaimage.ffmpeg.components.rows import ROWS
from pytest_mediaimage.ffmpeg.configuration import enabled_options
from pytest_mediaimage.ffmpeg.identity import read_identity

TEXTS = [(id, text) for id, row in ROWS.items() for text in row.texts]

WITH_ANOTHER = {"bzlib", "expat", "gmp", "lcms2", "libglslang", "libharfbuzz", "libpng", "lzma", "zlib"}
"""Libraries that configure finds without a flag, or that another library brings: Fontconfig, FreeType, GnuTLS ..."""
LEAVES_NOTHING = {("static-7.0-aarch64", "libfribidi"), ("static-5.2-ffprobe", "libfribidi")}
"""Enabled, and the linker left none of its texts in the file."""


@pytest.fixture(scope="module")
def found(
    published_ffmpeg: dict[str, list[Path]], tiny_ffmpeg: dict[str, Path]
) -> tuple[Mapping[str, frozenset[Signature]], Mapping[str, frozenset[Signature]]]:
    """What each build shows, and what each library file shows of its own row."""
    try:
        return signatures.observe()
    except (debs.CannotFetch, ImportError) as reason:
        pytest.skip(str(reason))


class TestProofs:
    def test_every_build_shows_what_is_recorded(self, found: tuple[Mapping[str, frozenset[Signature]], ...]) -> None:
        shown = {name: sorted({id for id, _ in some}) for name, some in found[0].items()}
        assert shown == {name: sorted(ids) for name, ids in proofs.SHOWN.items()}

    def test_every_library_file_shows_its_row(self, found: tuple[Mapping[str, frozenset[Signature]], ...]) -> None:
        assert {id for some in found[1].values() for id, _ in some} == proofs.OWN

    def test_every_text_and_symbol_was_seen_or_is_said_not_to_be(
        self, found: tuple[Mapping[str, frozenset[Signature]], ...]
    ) -> None:
        seen = frozenset().union(*found[0].values(), *found[1].values())
        assert {one for _, one in SIGNATURES - seen} == proofs.UNSEEN

    def test_every_row_with_a_text_is_lacking_in_some_build(self) -> None:
        for id, _ in TEXTS:
            assert any(id not in ids for ids in proofs.SHOWN.values()), id

    def test_texts_stand_where_the_configure_line_says_so_and_nowhere_else(
        self, found: tuple[Mapping[str, frozenset[Signature]], ...]
    ) -> None:
        for name, files in signatures.builds().items():
            if name.startswith("shared"):
                continue
            with files[0].open("rb") as file:
                identity = read_identity(file)
            assert identity is not None and identity.configuration
            options = enabled_options(identity.configuration)
            enabled = {id for id, row in ROWS.items() if any(options.get(one) for one in (id, *row.aliases))}
            shown = {id for id, _ in found[0][name]}
            assert shown - enabled <= WITH_ANOTHER, name
            left = {id for id in enabled - shown if ROWS[id].texts}
            assert {(name, id) for id in left} == {one for one in LEAVES_NOTHING if one[0] == name}

    def test_wrappers_of_a_shared_build_show_nothing(self) -> None:
        assert proofs.SHOWN["shared-8.1"] == proofs.SHOWN["shared-4.4"] == frozenset()

    def test_no_library_shows_another(self) -> None:
        """But glslang stands in two that compile shaders, and two come in parts that FFmpeg doesn't ask for itself."""
        try:
            files = libraries.fetch()
        except debs.CannotFetch as reason:
            pytest.skip(str(reason))
        others = {
            (file.name.split(".so")[0], id)
            for file in files
            for id, _ in signatures.signatures(file)
            if id not in signatures.of_library(file)
        }
        assert others <= {
            ("libexpatw", "expat"),
            ("libplacebo", "libglslang"),
            ("libpulsecommon-17.0", "libpulse"),
            ("libshaderc", "libglslang"),
        }


class TestRows:
    def test_ids_are_options_of_configure(self) -> None:
        assert all(re.fullmatch(r"[a-z][a-z0-9_]+", id) and row.id == id for id, row in ROWS.items())

    def test_no_row_is_there_twice(self) -> None:
        from pytest_mediaimage.ffmpeg.components.rows import (
            audio,
            devices,
            former,
            hardware,
            network,
            picture,
            processing,
            video,
        )

        modules = (audio, devices, former, hardware, network, picture, processing, video)
        assert len(ROWS) == sum(len(module.ROWS) for module in modules)

    def test_demands_are_those_of_configure(self) -> None:
        """The lists of FFmpeg 9.0.2's configure, and what older ones held besides."""
        demands: dict[Demand, set[str]] = {}
        for id, row in ROWS.items():
            demands.setdefault(row.demand, set()).add(id)
        del demands[Demand.NONE]
        gpl = "avisynth frei0r libcdio libdavs2 libdvdnav libdvdread librubberband libvidstab libx264 libx265 libxavs"
        version3 = "gmp libaribb24 liblensfun libopencore_amrnb libopencore_amrwb libvo_amrwbenc mbedtls rkmpp"
        assert demands == {
            Demand.GPL: {*gpl.split(), "libxavs2", "libxvid", "libutvideo"},
            Demand.VERSION3: {*version3.split(), "libvmaf", "libvo_aacenc"},
            Demand.GPLV3: {"libsmbclient"},
            Demand.NOT_GPL: {"decklink", "libfdk_aac", "libmpeghdec", "libtls", "libndi_newtek"},
            Demand.NONFREE: {"cuda_nvcc", "cuda_sdk", "libnpp", "libaacplus", "libfaac"},
            Demand.OPENSSL: {"openssl"},
        }

    def test_licences_are_spdx_expressions(self) -> None:
        licensing = pytest.importorskip("license_expression").get_spdx_licensing()
        for row in ROWS.values():
            for expression in (row.license, *([row.older.license] if row.older else [])):
                unknown = licensing.unknown_license_keys(licensing.parse(expression))
                assert all(key.startswith("LicenseRef-") for key in unknown), f"{row.id}: {unknown}"

    def test_texts_are_long_and_hold_no_nul(self) -> None:
        """A short one, or one with a NUL, is slow to look for."""
        assert [text for _, text in TEXTS if len(text) < 10 or b"\0" in text] == []
        assert [one.near for row in ROWS.values() for one in row.versions if b"\0" in one.near] == []

    def test_no_text_holds_anothers(self) -> None:
        assert [(a, b) for a, one in TEXTS for b, other in TEXTS if a != b and one in other] == []

    def test_no_two_rows_share_a_symbol_or_soname(self) -> None:
        for field in ("symbols", "sonames"):
            names = [name for row in ROWS.values() for name in getattr(row, field)]
            assert len(names) == len(set(names)), field

    def test_version_patterns_have_a_version(self) -> None:
        for row in ROWS.values():
            for version in row.versions:
                assert "version" in re.compile(version.pattern).groupindex, row.id

    def test_each_row_can_be_found_somehow(self) -> None:
        for row in ROWS.values():
            assert row.option or row.texts or row.symbols or row.sonames, row.id

    def test_parts_name_their_kind(self) -> None:
        kinds = re.compile(r"(?:encoder|decoder|filter|muxer|demuxer|protocol):[\w,-]+")
        assert [part for row in ROWS.values() for part in row.parts if not kinds.fullmatch(part)] == []


def test_page_holds_the_table() -> None:
    assert signatures.PAGE.read_text() == signatures.page(), "python tests/support/signatures.py page"


def test_builds_of_the_page_are_those_that_were_looked_through() -> None:
    tiny = {f"tiny-{name}" for name in tiny_ffmpeg.BUILDS}
    assert set(proofs.SHOWN) == set(signatures.BUILDS)
    assert set(signatures.BUILDS) <= {*published.PACKAGES, *tiny, "static-8.1", "pie-9.0", "shared-8.1"}
