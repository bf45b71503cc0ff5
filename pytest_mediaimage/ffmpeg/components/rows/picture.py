"""Still pictures, subtitles and fonts."""

from __future__ import annotations

from ..model import Demand, Row, Version

ROWS = (
    Row(
        "libopenjpeg", "OpenJPEG", "BSD-2-Clause",
        texts=(b"max value is set in openjpeg.h at %d", b"Error with SIZ marker"),
        versions=(
            Version(b"Stream error!\n", rb"Stream error!\n\0+(?P<version>2\.\d+\.\d+)\0"),
            Version(b"Error reading MCO marker", rb"\0(?P<version>2\.\d+\.\d+)\0+Error reading MCO marker"),
        ),
        sonames=("libopenjp2",), parts=("encoder:libopenjpeg", "decoder:libopenjpeg"),
        purl="pkg:github/uclouvain/openjpeg", product="uclouvain:openjpeg",
    ),
    Row(
        "libwebp", "libwebp", "BSD-3-Clause",
        texts=(b"NULL VP8Io parameter in VP8Decode().", b"Premature end-of-partition0 encountered."),
        symbols=("WebPEncode",), sonames=("libwebp", "libwebpmux"), parts=("encoder:libwebp", "encoder:libwebp_anim"),
        purl="pkg:generic/libwebp", product="webmproject:libwebp", note="It holds no text with its version.",
    ),
    Row(
        "libjxl", "libjxl", "BSD-3-Clause",
        texts=(b"Global scale: %d (%.7f)\nDC quant: %d", b"%s:%d: BrotliEncoderCreateInstance failed"),
        symbols=("JxlEncoderCreate", "JxlDecoderCreate"), sonames=("libjxl", "libjxl_threads"),
        parts=("encoder:libjxl", "encoder:libjxl_anim", "decoder:libjxl", "decoder:libjxl_anim"),
        purl="pkg:github/libjxl/libjxl", product="libjxl_project:libjxl",
    ),
    Row(
        "librsvg", "librsvg", "LGPL-2.1-or-later", symbols=("rsvg_handle_new_from_data",), sonames=("librsvg-2",),
        parts=("decoder:librsvg",), purl="pkg:generic/librsvg", product="gnome:librsvg",
    ),
    Row(
        "libpng", "libpng", "libpng-2.0", option=False,
        texts=(b"Copyright (c) 1998-2002,2004,2006-", b"\nlibpng version 1."),
        versions=(Version(b"libpng version ", rb"libpng version (?P<version>\d\.\d+\.\d+[^\s\0]*)"),),
        sonames=("libpng16",), purl="pkg:generic/libpng", product="libpng:libpng", note="By way of FreeType.",
    ),
    Row(
        "lcms2", "Little CMS", "MIT", symbols=("cmsCreateTransform",), sonames=("liblcms2",), purl="pkg:generic/lcms2",
        product="littlecms:little_cms_color_engine",
    ),
    Row(
        "libass", "libass", "ISC",
        texts=(
            b"Neither PlayResX nor PlayResY defined. Assuming 384x288",
            b"fontselect: Using default font: (%s, %d, %d)",
        ),
        symbols=("ass_render_frame",), sonames=("libass",), parts=("filter:ass", "filter:subtitles"),
        purl="pkg:github/libass/libass", product="libass_project:libass",
    ),
    Row(
        "libfreetype", "FreeType", "FTL OR GPL-2.0-or-later",
        texts=(b"%!PS-Adobe-3.0 Resource-CIDFont", b"Ming(for ISO10646)"),
        symbols=("FT_Load_Glyph",), sonames=("libfreetype",), parts=("filter:drawtext",), purl="pkg:generic/freetype",
        product="freetype:freetype",
    ),
    Row(
        "libfontconfig", "Fontconfig", "HPND-sell-variant",
        texts=(
            b"Fontconfig warning: no <cachedir> elements found.",
            b"Fontconfig warning: FcPattern object %s does not accept",
        ),
        symbols=("FcInitLoadConfigAndFonts",), aliases=("fontconfig",),
        sonames=("libfontconfig",), purl="pkg:generic/fontconfig",
        product="fontconfig_project:fontconfig",
    ),
    Row(
        "libfribidi", "FriBidi", "LGPL-2.1-or-later", texts=(b"CP1255 (MS Hebrew/Yiddish)",),
        symbols=("fribidi_log2vis",), sonames=("libfribidi",), purl="pkg:github/fribidi/fribidi", product="gnu:fribidi",
    ),
    Row(
        "libharfbuzz", "HarfBuzz", "MIT-Modern-Variant",
        texts=(b"buffer verify error: unsafe-to-break test failed.", b"uniscribe-bug-compatible"),
        versions=(
            Version(
                b"uniscribe-bug-compatible", rb"uniscribe-bug-compatible\0(?:invalid\0)?(?P<version>\d+\.\d+\.\d+)\0",
            ),
        ),
        symbols=("hb_buffer_create",), sonames=("libharfbuzz",), purl="pkg:github/harfbuzz/harfbuzz",
        product="harfbuzz_project:harfbuzz",
    ),
    Row(
        "libzvbi", "zvbi", "LGPL-2.0-or-later AND GPL-2.0-or-later",
        texts=(b"Character conversion Unicode (UCS-2) to %s not supported.", b"libzvbi interface rev."),
        versions=(Version(b"zvbi 0.", rb"zvbi (?P<version>0\.\d+\.\d+)"),),
        sonames=("libzvbi",), parts=("decoder:libzvbi_teletextdec", "decoder:libzvbi_teletext"),
        purl="pkg:generic/zvbi",
        note="Some of its files are GPL; FFmpeg asks for 0.2.28 or newer, and for no --enable-gpl.",
    ),
    Row(
        "libaribb24", "aribb24", "LGPL-3.0-or-later", Demand.VERSION3,
        texts=(b"could not decode ARIB string:", b"could not load drcs conversion table"),
        symbols=("arib_instance_new",), sonames=("libaribb24",), parts=("decoder:libaribb24",),
        purl="pkg:github/nkoriyama/aribb24", note="Up to 1.0.3 configure asks for --enable-gpl.",
    ),
    Row(
        "libaribcaption", "libaribcaption", "MIT", symbols=("aribcc_context_alloc",), sonames=("libaribcaption",),
        parts=("decoder:libaribcaption",), purl="pkg:github/xqq/libaribcaption",
    ),
    Row(
        "libqrencode", "libqrencode", "LGPL-2.1-or-later", symbols=("QRcode_encodeString",), sonames=("libqrencode",),
        parts=("filter:qrencode", "filter:qrencodesrc"), purl="pkg:github/fukuchi/libqrencode",
    ),
    Row(
        "libquirc", "quirc", "ISC", symbols=("quirc_decode",), sonames=("libquirc",), parts=("filter:quirc",),
        purl="pkg:github/dlbeer/quirc",
    ),
)  # fmt: skip
