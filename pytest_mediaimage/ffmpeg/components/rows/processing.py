"""What filters, resampling, scaling and analysis use."""

from __future__ import annotations

from ..model import Demand, Older, Row, Version

_GPL2, _GPL3 = "GPL-2.0-or-later", "GPL-3.0-or-later"

ROWS = (
    Row(
        "avisynth", "AviSynth", _GPL2, Demand.GPL, opened=True, parts=("demuxer:avisynth",),
        purl="pkg:github/AviSynth/AviSynthPlus",
    ),
    Row(
        "frei0r", "frei0r", _GPL2, Demand.GPL, opened=True, parts=("filter:frei0r", "filter:frei0r_src"),
        purl="pkg:github/dyne/frei0r",
    ),
    Row(
        "librubberband", "Rubber Band", _GPL2, Demand.GPL, sold=True,
        texts=(b"N10RubberBand", b"WARNING: reconfigure(): resampler construction required in RT mode"),
        symbols=("rubberband_new",), sonames=("librubberband",), parts=("filter:rubberband",),
        purl="pkg:github/breakfastquay/rubberband",
    ),
    Row(
        "libvidstab", "vid.stab", _GPL2, Demand.GPL,
        texts=(b"VID.STAB file: index of frames is not continuous", b"Number of used measurement fields: %i out of %i"),
        versions=(Version(b"vidstabdetect", rb"\0v(?P<version>\d\.\d\.\d)\0vidstabdetect"),),
        symbols=("vsMotionDetectInit",), sonames=("libvidstab",),
        parts=("filter:vidstabdetect", "filter:vidstabtransform"),
        purl="pkg:github/georgmartius/vid.stab",
    ),
    Row(
        "liblensfun", "lensfun", "LGPL-3.0-or-later", Demand.VERSION3, alone=_GPL3, symbols=("lf_db_new",),
        sonames=("liblensfun",), parts=("filter:lensfun",), purl="pkg:github/lensfun/lensfun",
        note="FFmpeg's own vf_lensfun.c is GPL-3.0-or-later.",
    ),
    Row(
        "libvmaf", "libvmaf", "BSD-2-Clause-Patent", Demand.VERSION3, last=(4, 3), older=Older((2, 0), "Apache-2.0"),
        texts=(b"VMAF_integer_feature_", b"VMAF_feature_"),
        versions=(
            Version(b"_ci_p95_hi", rb"_ci_p95_hi\0+(?P<version>\d+\.\d+\.\d+[^\0]*)\0+could not open file"),
        ),
        symbols=("vmaf_init",), sonames=("libvmaf",), parts=("filter:libvmaf",), purl="pkg:github/Netflix/vmaf",
        note="Apache-2.0 before 2.0, and FFmpeg asked for --enable-version3 up to 4.3.",
    ),
    Row(
        "libzimg", "zimg", "WTFPL",
        texts=(b"YUV color family cannot have RGB matrix coefficients", b"N4zimg10colorspace"),
        symbols=("zimg_filter_graph_build",), sonames=("libzimg",), parts=("filter:zscale",),
        purl="pkg:github/sekrit-twc/zimg",
    ),
    Row(
        "libsoxr", "SoX Resampler", "LGPL-2.1-or-later", texts=(b"libsoxr-0.", b"transition band not within [50,150]"),
        versions=(Version(b"libsoxr-", rb"\0?libsoxr-(?P<version>\d+\.\d+\.\d+)\0"),),
        symbols=("soxr_create",), sonames=("libsoxr",), purl="pkg:generic/soxr",
    ),
    Row(
        "libmysofa", "libmysofa", "BSD-3-Clause", symbols=("mysofa_load",), sonames=("libmysofa",),
        parts=("filter:sofalizer",), purl="pkg:github/hoene/libmysofa", product="symonics:libmysofa",
    ),
    Row(
        "libbs2b", "libbs2b", "MIT", symbols=("bs2b_open",), sonames=("libbs2b",), parts=("filter:bs2b",),
        purl="pkg:generic/libbs2b",
    ),
    Row(
        "libflite", "Flite", "MIT-Festival", sonames=("libflite",), parts=("filter:flite",),
        purl="pkg:github/festvox/flite",
    ),
    Row(
        "ladspa", "LADSPA", "LGPL-2.1-or-later", opened=True, parts=("filter:ladspa",), purl="pkg:generic/ladspa-sdk",
    ),
    Row(
        "lv2", "Lilv", "ISC",
        texts=(b"http://drobilla.net/ns/lilv#dyn-manifest", b"http://drobilla.net/ns/lilv#filter-lang"),
        symbols=("lilv_world_new",), sonames=("liblilv-0",), parts=("filter:lv2",), purl="pkg:generic/lilv",
    ),
    Row(
        "libplacebo", "libplacebo", "LGPL-2.1-or-later", texts=(b"Initialized libplacebo %s (API v%d)",),
        sonames=("libplacebo",), parts=("filter:libplacebo",), purl="pkg:generic/libplacebo",
    ),
    Row(
        "libshaderc", "Shaderc", "Apache-2.0", symbols=("shaderc_compiler_initialize",),
        sonames=("libshaderc_shared", "libshaderc"), purl="pkg:github/google/shaderc",
    ),
    Row(
        "libglslang", "glslang", "BSD-3-Clause", texts=(b" glslang Khronos. ", b"unknown glslang unary"),
        versions=(Version(b" glslang Khronos. ", rb" glslang Khronos\. (?P<version>\d+\.\d+\.\d+)"),),
        sonames=("libglslang", "libSPIRV"), purl="pkg:github/KhronosGroup/glslang",
        note="Also by way of Shaderc or libplacebo.",
    ),
    Row(
        "chromaprint", "Chromaprint", "LGPL-2.1-or-later", texts=(b"N11chromaprint14AudioProcessorE",),
        symbols=("chromaprint_new",), sonames=("libchromaprint",), parts=("muxer:chromaprint",),
        purl="pkg:github/acoustid/chromaprint",
    ),
    Row(
        "libtesseract", "Tesseract", "Apache-2.0", sonames=("libtesseract",), parts=("filter:ocr",),
        purl="pkg:github/tesseract-ocr/tesseract",
    ),
    Row(
        "whisper", "whisper.cpp", "MIT", texts=(b"ggml_backend_set_n_threads",), sonames=("libwhisper",),
        parts=("filter:whisper",), purl="pkg:github/ggml-org/whisper.cpp",
    ),
    Row(
        "pocketsphinx", "PocketSphinx", "BSD-2-Clause", sonames=("libpocketsphinx",), parts=("filter:asr",),
        purl="pkg:github/cmusphinx/pocketsphinx",
    ),
    Row(
        "libtensorflow", "TensorFlow", "Apache-2.0", sonames=("libtensorflow",),
        purl="pkg:github/tensorflow/tensorflow",
        product="google:tensorflow",
    ),
    Row(
        "libopenvino", "OpenVINO", "Apache-2.0", sonames=("libopenvino_c", "libopenvino"),
        purl="pkg:github/openvinotoolkit/openvino", product="intel:openvino",
    ),
    Row("libtorch", "LibTorch", "BSD-3-Clause", sonames=("libtorch",), purl="pkg:github/pytorch/pytorch"),
    Row(
        "libopencv", "OpenCV", "Apache-2.0", sonames=("libopencv_core",), parts=("filter:ocv",),
        purl="pkg:github/opencv/opencv", product="opencv:opencv",
    ),
    Row(
        "vapoursynth", "VapourSynth", "LGPL-2.1-or-later", sonames=("libvapoursynth-script",),
        parts=("demuxer:vapoursynth",), purl="pkg:github/vapoursynth/vapoursynth",
    ),
    Row(
        "gmp", "GMP", "LGPL-3.0-or-later OR GPL-2.0-or-later", Demand.VERSION3, by_option=True,
        texts=(b"GNU MP: Cannot allocate memory",), symbols=("__gmpz_init",), sonames=("libgmp",),
        purl="pkg:generic/gmp",
        product="gmplib:gmp", note="Also by way of GnuTLS, where FFmpeg's configure asks for nothing.",
    ),
    Row(
        "zlib", "zlib", "Zlib", texts=(b" deflate 1.", b" inflate 1."),
        versions=(Version(b"flate ", rb"(?:in| de)flate (?P<version>\d+\.\d+(?:\.\d+)*) Copyright 1995-"),),
        symbols=("deflateInit2_",), sonames=("libz",), purl="pkg:generic/zlib", product="zlib:zlib",
    ),
    Row(
        "bzlib", "bzip2", "bzip2-1.0.6", texts=(b"bzip2/libbzip2: internal error number %d.",),
        versions=(
            Version(b"1.0.8, 13-Jul-2019", rb"(?P<version>1\.0\.8), 13-Jul-2019"),
            Version(b"1.0.6, 6-Sept-2010", rb"(?P<version>1\.0\.6), 6-Sept-2010"),
        ),
        symbols=("BZ2_bzDecompressInit",), sonames=("libbz2",), purl="pkg:generic/bzip2", product="bzip:bzip2",
    ),
    Row(
        "lzma", "liblzma", "0BSD", older=Older((5, 6), "LicenseRef-public-domain"), symbols=("lzma_stream_decoder",),
        sonames=("liblzma",), purl="pkg:generic/xz", product="tukaani:xz", note="It leaves no text of its own.",
    ),
)  # fmt: skip
