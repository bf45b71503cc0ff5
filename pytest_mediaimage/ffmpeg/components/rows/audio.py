"""Audio codecs and modules."""

from __future__ import annotations

from ..model import Demand, Row, Version

ROWS = (
    Row(
        "libfdk_aac", "FDK AAC", "FDK-AAC", Demand.NOT_GPL,
        texts=(b"AAC Decoder Lib", b"MPEG Surround Encoder"),
        symbols=("aacEncOpen", "aacDecoder_Open"), sonames=("libfdk-aac",),
        parts=("encoder:libfdk_aac", "decoder:libfdk_aac"), purl="pkg:github/mstorsjo/fdk-aac",
        note="configure refuses it only beside --enable-gpl: an LGPL build with it states LGPL-2.1-or-later.",
    ),
    Row(
        "libmpeghdec", "MPEG-H decoder", "LicenseRef-Fraunhofer-MPEGH", Demand.NOT_GPL, sonames=("libMpeghDec",),
        parts=("decoder:libmpeghdec",), purl="pkg:github/Fraunhofer-IIS/mpeghdec",
    ),
    Row(
        "libmp3lame", "LAME", "LGPL-2.0-or-later", texts=(b"LAME %s version %s (%s)", b"LAME version %s (%s)"),
        versions=(
            Version(b"LAME3.", rb"\0LAME(?P<version>3\.\d{1,3}(?:[ab]\d*)?)"),
            Version(b"LAME4.", rb"\0LAME(?P<version>4\.\d{1,3}(?:[ab]\d*)?)"),
        ),
        symbols=("lame_init_params",), sonames=("libmp3lame",), parts=("encoder:libmp3lame",), purl="pkg:generic/lame",
        product="lame_project:lame",
    ),
    Row(
        "libopus", "Opus", "BSD-3-Clause", texts=(b"request not implemented",),
        versions=(Version(b"request not implemented", rb"(?<![ -~])libopus (?P<version>1\.\d+[^\0\s]*)\0"),),
        symbols=("opus_multistream_encoder_create", "opus_encoder_create"), sonames=("libopus",),
        parts=("encoder:libopus", "decoder:libopus"), purl="pkg:generic/opus", product="opus-codec:opus",
        note="A build from a tree without tags says \"libopus unknown\".",
    ),
    Row(
        "libvorbis", "libvorbis", "BSD-3-Clause", texts=(b"Xiph.Org libVorbis ",),
        versions=(Version(b"Xiph.Org libVorbis 1", rb"Xiph\.Org libVorbis (?P<version>\d+\.\d+\.\d+)"),),
        sonames=("libvorbis", "libvorbisenc"), parts=("encoder:libvorbis", "decoder:libvorbis"),
        purl="pkg:generic/libvorbis", product="xiph.org:libvorbis",
    ),
    Row(
        "libspeex", "Speex", "BSD-3-Clause",
        texts=(b"Invalid mode specified in Speex header", b"This mode is meant to be used alone"),
        versions=(Version(b"warning: %s %d\n", rb"warning: %s %d\n\0(?P<version>1\.\d(?:\.\d|[a-z]+\d*)?)\0"),),
        symbols=("speex_encode_int", "speex_decode_int"), sonames=("libspeex",),
        parts=("encoder:libspeex", "decoder:libspeex"), purl="pkg:generic/speex", product="xiph:speex",
    ),
    Row(
        "libtwolame", "TwoLAME", "LGPL-2.0-or-later", texts=(b"http://www.twolame.org/", b"LibTwoLame version %s"),
        versions=(Version(b"http://www.twolame.org/", rb"\0(?P<version>0\.\d\.\d+)\0+http://www\.twolame\.org/"),),
        symbols=("twolame_init_params",), sonames=("libtwolame",), parts=("encoder:libtwolame",),
        purl="pkg:github/njh/twolame",
    ),
    Row(
        "libshine", "Shine", "LGPL-2.0-or-later", symbols=("shine_encode_buffer",), sonames=("libshine",),
        parts=("encoder:libshine",), purl="pkg:github/toots/shine", note="It leaves no text of its own.",
    ),
    Row(
        "libgsm", "libgsm", "TU-Berlin-2.0",
        texts=(b"Gsm_Long_Term_Synthesis_Filtering", b"Calculation_of_the_LTP_parameters"),
        symbols=("gsm_create",), sonames=("libgsm",), parts=("encoder:libgsm", "encoder:libgsm_ms", "decoder:libgsm"),
        purl="pkg:generic/libgsm", note="The texts are assertions: a build without them has none.",
    ),
    Row(
        "libcodec2", "Codec 2", "LGPL-2.1-only", symbols=("codec2_create",), sonames=("libcodec2",),
        parts=("encoder:libcodec2", "decoder:libcodec2"), purl="pkg:github/drowe67/codec2",
    ),
    Row(
        "libilbc", "libilbc", "BSD-3-Clause", symbols=("WebRtcIlbcfix_Encode",), sonames=("libilbc",),
        parts=("encoder:libilbc", "decoder:libilbc"), purl="pkg:github/TimothyGu/libilbc",
    ),
    Row(
        "libopencore_amrnb", "OpenCORE AMR-NB", "Apache-2.0", Demand.VERSION3, symbols=("Encoder_Interface_Encode",),
        sonames=("libopencore-amrnb",), parts=("encoder:libopencore_amrnb", "decoder:libopencore_amrnb"),
        purl="pkg:generic/opencore-amr", note="It leaves no text of its own.",
    ),
    Row(
        "libopencore_amrwb", "OpenCORE AMR-WB", "Apache-2.0", Demand.VERSION3, symbols=("D_IF_decode",),
        sonames=("libopencore-amrwb",), parts=("decoder:libopencore_amrwb",), purl="pkg:generic/opencore-amr",
        note="It leaves no text of its own.",
    ),
    Row(
        "libvo_amrwbenc", "VisualOn AMR-WB encoder", "Apache-2.0", Demand.VERSION3,
        texts=(b"dtx_enc_init: can not malloc state structure", b"Error in function quant_5p_5N"),
        symbols=("E_IF_encode",), sonames=("libvo-amrwbenc",), parts=("encoder:libvo_amrwbenc",),
        purl="pkg:generic/vo-amrwbenc",
    ),
    Row(
        "liblc3", "liblc3", "Apache-2.0", symbols=("lc3_setup_encoder",), sonames=("liblc3",),
        parts=("encoder:liblc3", "decoder:liblc3"), purl="pkg:github/google/liblc3",
    ),
    Row("libcelt", "CELT", "BSD-2-Clause", sonames=("libcelt0",), parts=("decoder:libcelt",), purl="pkg:generic/celt"),
    Row(
        "libopenmpt", "libopenmpt", "BSD-3-Clause",
        texts=(b"The file informed that it is incompatible with this version of OpenMPT.", b"mpt_libopenmpt"),
        symbols=("openmpt_module_create_from_memory",), sonames=("libopenmpt",), parts=("demuxer:libopenmpt",),
        purl="pkg:generic/libopenmpt", product="openmpt:libopenmpt",
    ),
    Row(
        "libgme", "Game Music Emu", "LGPL-2.1-or-later",
        texts=(b"Corrupt file (invalid load/init/play address)", b"Uses unsupported audio expansion hardware"),
        symbols=("gme_open_data",), sonames=("libgme",), parts=("demuxer:libgme",), purl="pkg:generic/game-music-emu",
        product="game-music-emu_project:game-music-emu",
    ),
    Row(
        "libmodplug", "libmodplug", "LicenseRef-public-domain", symbols=("ModPlug_Load",), sonames=("libmodplug",),
        parts=("demuxer:libmodplug",), purl="pkg:generic/libmodplug",
    ),
)  # fmt: skip
