"""Video codecs."""

from __future__ import annotations

from ..model import Demand, Older, Row, Version

_GPL2 = "GPL-2.0-or-later"
_X265 = rb"(?<![\d.])(?P<version>[234]\.\d+\+\d+-[0-9a-f]{7,12})\0"
_AOM = "LicenseRef-AOM-Patent-1.0"

ROWS = (
    Row(
        "libx264", "x264", _GPL2, Demand.GPL, sold=True,
        texts=(b"x264 - core %d%s - H.264/MPEG-4 AVC codec", b"x264 [%s]: "),
        versions=(
            Version(b" r3", rb" (?P<version>r3\d{3}) [0-9a-f]{7}M?\0"),
            Version(b" r2", rb" (?P<version>r2\d{3}) [0-9a-f]{7}M?\0"),
        ),
        symbols=("x264_encoder_open_*",), sonames=("libx264",), parts=("encoder:libx264", "encoder:libx264rgb"),
        purl="pkg:generic/x264", product="videolan:x264",
        note="The revision (r3223) is in builds from git only, the core (0.164) only where the symbol's name is kept.",
    ),
    Row(
        "libx265", "x265", _GPL2, Demand.GPL, sold=True,
        texts=(b"HEVC encoder version %s\n", b"x265_analysis.dat"),
        versions=(
            Version(b"[Linux][", rb"\] \d+bit(?:\+\d+bit)*\0+(?P<version>[234]\.\d+(?:\+\d+-[0-9a-f]{7,12})?)\0"),
            Version(b"poc: %d weights:", _X265),
            Version(b"CyrixInstead", _X265),
            Version(b"x265_api_get_", rb"(?P<version>x265_api_get_\d+)", last=True),
        ),
        symbols=("x265_api_get_*",), sonames=("libx265",), parts=("encoder:libx265",),
        purl="pkg:generic/x265", product="multicorewareinc:x265_high_efficiency_video_coding",
        note="Where linkers merged the version's text away, the number in x265_api_get_NNN tells the release.",
    ),
    Row(
        "libopenh264", "OpenH264", "BSD-2-Clause",
        texts=(b"[OpenH264] this = 0x%p", b"CWelsH264SVCEncoder::"),
        sonames=("libopenh264",), parts=("encoder:libopenh264", "decoder:libopenh264"),
        purl="pkg:github/cisco/openh264", product="cisco:openh264",
    ),
    Row(
        "libkvazaar", "Kvazaar", "BSD-3-Clause", older=Older((2, 1), "LGPL-2.1-or-later"),
        texts=(b"Kvazaar HEVC Encoder v. ", b"KVAZAAR_OVERRIDE_%s"),
        versions=(
            Version(b"Kvazaar HEVC Encoder v. ", rb"Kvazaar HEVC Encoder v\. (?P<version>\d+\.\d+\.\d+[^ \0]*)"),
        ),
        sonames=("libkvazaar",), parts=("encoder:libkvazaar",), purl="pkg:github/ultravideo/kvazaar",
    ),
    Row(
        "libvvenc", "VVenC", "BSD-3-Clause-Clear", texts=(b"VVenC, the Fraunhofer H.266/VVC Encoder",),
        versions=(
            Version(
                b"VVenC, the Fraunhofer H.266/VVC Encoder",
                rb"VVenC, the Fraunhofer H\.266/VVC Encoder, version (?P<version>\d+\.[^\s\0]*)",
            ),
        ),
        sonames=("libvvenc",), parts=("encoder:libvvenc",), purl="pkg:github/fraunhoferhhi/vvenc",
    ),
    Row(
        "libvvdec", "VVdeC", "BSD-3-Clause-Clear", sonames=("libvvdec",), parts=("decoder:libvvdec",),
        purl="pkg:github/fraunhoferhhi/vvdec", note="Not in FFmpeg itself, only in patched builds.",
    ),
    Row(
        "libsvtav1", "SVT-AV1", f"BSD-3-Clause-Clear AND {_AOM}", older=Older((0, 8, 7), "BSD-2-Clause-Patent"),
        texts=(b"SVT-AV1 Encoder Lib ", b"SVT [build]  :\t"),
        versions=(
            Version(
                b"SVT [build]",
                rb"\0(?P<version>v\d+\.\d+\.\d+(?:-[0-9A-Za-z.+-]+)?)\0+"
                rb"(?:(?:GCC|LLVM|Clang|clang)[^\0]{0,60}\0+)?SVT \[build\]",
            ),
        ),
        sonames=("libSvtAv1Enc",), parts=("encoder:libsvtav1",), purl="pkg:generic/svt-av1",
        product="aomedia:svt-av1",
    ),
    Row(
        "libaom", "libaom", f"BSD-2-Clause AND {_AOM}",
        texts=(b"AOMedia Project AV1 ",),
        versions=(
            Version(
                b"AOMedia Project AV1 ", rb"AOMedia Project AV1 (?:En|De)coder v?(?P<version>\d+\.\d+\.\d+[^\s\0]*)",
            ),
        ),
        sonames=("libaom",), parts=("encoder:libaom-av1", "decoder:libaom-av1"), purl="pkg:generic/libaom",
        product="aomedia:aomedia",
    ),
    Row(
        "libdav1d", "dav1d", "BSD-2-Clause",
        texts=(b"Malformed ITU-T T.35 metadata message format", b"Unknown OBU type %d of size %"),
        sonames=("libdav1d",), parts=("decoder:libdav1d",), purl="pkg:generic/dav1d", product="videolan:dav1d",
        note="Its version is a bare number with nothing beside it that would tell whose it is.",
    ),
    Row(
        "librav1e", "rav1e", "BSD-2-Clause",
        texts=(b"First-pass stats data not retrieved or not enough second-pass data provided",),
        versions=(
            Version(
                b"second-pass data provided",
                rb"second-pass data provided\0(?:src/capi\.rs\0)?(?P<version>\d+\.\d+\.\d+)\0",
            ),
            Version(b"Normal operation", rb"Normal operation\0(?P<version>\d+\.\d+\.\d+)\0"),
            Version(b"src/capi.rs", rb"src/capi\.rs(?P<version>\d+\.\d+\.\d+)(?:\0|enable_timing)"),
        ),
        symbols=("rav1e_context_new",), sonames=("librav1e",), parts=("encoder:librav1e",), purl="pkg:cargo/rav1e",
    ),
    Row(
        "libvpx", "libvpx", "BSD-3-Clause",
        texts=(b"WebM Project VP",),
        versions=(
            Version(b"WebM Project VP", rb"WebM Project VP[89] (?:En|De)coder v(?P<version>\d+\.\d+\.\d+[^\s\0]*)"),
        ),
        sonames=("libvpx",),
        parts=("encoder:libvpx", "encoder:libvpx-vp9", "decoder:libvpx", "decoder:libvpx-vp9"),
        purl="pkg:generic/libvpx", product="webmproject:libvpx",
    ),
    Row(
        "libxvid", "Xvid", _GPL2, Demand.GPL,
        texts=(b"broken b-frame, mising ref frames", b"# XviD 2pass stat file"),
        versions=(Version(b"xvid-1.", rb"xvid-(?P<version>1\.\d\.\d[^\0\s]*)\0"),),
        sonames=("libxvidcore",), parts=("encoder:libxvid",), purl="pkg:generic/xvidcore",
    ),
    Row(
        "libxavs", "xavs", _GPL2, Demand.GPL, sonames=("libxavs",), parts=("encoder:libxavs",),
        purl="pkg:generic/xavs",
    ),
    Row(
        "libxavs2", "xavs2", _GPL2, Demand.GPL, sold=True,
        texts=(b"libxavs2-%d-%dbit", b"xavs2_api_get"),
        versions=(Version(b"xavs2_api_get", rb"xavs2_api_get\0(?P<version>\d+\.\d+\.\d+)(?: [0-9a-f]{7,16})?\0"),),
        sonames=("libxavs2",), parts=("encoder:libxavs2",), purl="pkg:github/pkuvcl/xavs2",
    ),
    Row(
        "libdavs2", "davs2", _GPL2, Demand.GPL, sold=True,
        texts=(b"davs2: %s.%d, %s", b"[davs2 error]"),
        versions=(Version(b"davs2: %s", rb"\0(?P<version>\d+\.\d+\.\d+)(?: [0-9a-f]{7,16})?\0davs2: %s"),),
        sonames=("libdavs2",), parts=("decoder:libdavs2",), purl="pkg:github/pkuvcl/davs2",
    ),
    Row(
        "libuavs3d", "uavs3d", "BSD-3-Clause", texts=(b"libuavs3d(%2d): %s_%s",),
        versions=(Version(b"libuavs3d(%2d)", rb"\0(?P<version>\d+\.\d+\.\d+)\0libuavs3d\(%2d\)"),),
        sonames=("libuavs3d",), parts=("decoder:libuavs3d",), purl="pkg:github/uavs3/uavs3d",
    ),
    Row(
        "libxeve", "XEVE", "BSD-3-Clause", sonames=("libxeve",), parts=("encoder:libxeve",),
        purl="pkg:github/mpeg5/xeve",
    ),
    Row(
        "libxevd", "XEVD", "BSD-3-Clause", sonames=("libxevd",), parts=("decoder:libxevd",),
        purl="pkg:github/mpeg5/xevd",
    ),
    Row(
        "liboapv", "OpenAPV", "BSD-3-Clause", sonames=("liboapv",), parts=("encoder:liboapv",),
        purl="pkg:github/AcademySoftwareFoundation/openapv",
    ),
    Row(
        "liblcevc_dec", "LCEVCdec", "BSD-3-Clause-Clear", texts=(b"N9lcevc_dec7decoder",),
        sonames=("liblcevc_dec_api", "liblcevc_dec"), purl="pkg:github/v-novaltd/LCEVCdec",
    ),
    Row(
        "libsvtjpegxs", "SVT-JPEG-XS", "BSD-2-Clause-Patent", sonames=("libSvtJpegxs",),
        parts=("encoder:libsvtjpegxs", "decoder:libsvtjpegxs"), purl="pkg:github/OpenVisualCloud/SVT-JPEG-XS",
    ),
    Row(
        "libtheora", "libtheora", "BSD-3-Clause", texts=(b"Xiph.Org libtheora ",),
        versions=(Version(b"Xiph.Org libtheora ", rb"Xiph\.Org libtheora (?P<version>\d+\.\d+[^\s\0]*)"),),
        sonames=("libtheora", "libtheoraenc", "libtheoradec"), parts=("encoder:libtheora",),
        purl="pkg:generic/libtheora",
    ),
    Row(
        "libsnappy", "snappy", "BSD-3-Clause", symbols=("snappy_compress",), sonames=("libsnappy",),
        parts=("encoder:hap",),
        purl="pkg:github/google/snappy",
        note="The decoder of Hap needs no snappy, its encoder does; it leaves no text of its own.",
    ),
)  # fmt: skip
