"""How the rows were verified, by `tests/support/signatures.py`; a test compares.

`DATE` is when. The builds are described in `BUILDS` there, and in the documentation's page on components.
"""

from __future__ import annotations

DATE = "2026-11-24"

SHOWN: dict[str, frozenset[str]] = {
    "static-8.1": frozenset({
        "libmp3lame", "libopus", "libsvtav1", "libvpx", "libx264", "libx265", "mbedtls",
    }),
    "static-8.1-aarch64": frozenset({
        "libmp3lame", "libopus", "libsvtav1", "libvpx", "libx264", "libx265", "mbedtls",
    }),
    "pie-9.0": frozenset({
        "chromaprint", "gmp", "lcms2", "libaom", "libaribb24", "libass", "libbluray", "libdav1d", "libdavs2",
        "libdvdnav", "libdvdread", "libfontconfig", "libfreetype", "libfribidi", "libglslang", "libgme", "libharfbuzz",
        "libjxl", "libkvazaar", "liblcevc_dec", "libmp3lame", "libopenh264", "libopenjpeg", "libopenmpt", "libopus",
        "libplacebo", "libpng", "libpulse", "librav1e", "librist", "librsvg", "librubberband", "libsoxr", "libsrt",
        "libssh", "libsvtav1", "libtheora", "libtwolame", "libuavs3d", "libvidstab", "libvmaf", "libvorbis", "libvpl",
        "libvpx", "libvvenc", "libwebp", "libx264", "libx265", "libxavs2", "libxml2", "libxvid", "libzimg", "libzmq",
        "libzvbi", "lv2", "lzma", "openal", "openssl", "zlib",
    }),
    "pie-8.0": frozenset({
        "chromaprint", "gmp", "libaom", "libaribb24", "libass", "libbluray", "libdav1d", "libdavs2", "libdvdnav",
        "libdvdread", "libfontconfig", "libfreetype", "libfribidi", "libglslang", "libgme", "libharfbuzz", "libjxl",
        "libkvazaar", "libmp3lame", "libopenh264", "libopenjpeg", "libopenmpt", "libopus", "libplacebo", "libpng",
        "libpulse", "librav1e", "librist", "librubberband", "libsoxr", "libsrt", "libssh", "libsvtav1", "libtheora",
        "libtwolame", "libuavs3d", "libvidstab", "libvmaf", "libvorbis", "libvpl", "libvpx", "libvvenc", "libwebp",
        "libx264", "libx265", "libxavs2", "libxml2", "libxvid", "libzimg", "libzmq", "libzvbi", "lv2", "openal",
        "openssl", "whisper", "zlib",
    }),
    "static-7.0-aarch64": frozenset({
        "bzlib", "expat", "gmp", "gnutls", "libaom", "libass", "libdav1d", "libfontconfig", "libfreetype", "libgme",
        "libharfbuzz", "libmp3lame", "libopenjpeg", "libopus", "libpng", "librubberband", "libsoxr", "libspeex",
        "libsrt", "libtheora", "libvidstab", "libvo_amrwbenc", "libvorbis", "libvpx", "libwebp", "libx264", "libx265",
        "libxml2", "libxvid", "libzimg", "zlib",
    }),
    "static-6.0": frozenset({
        "bzlib", "expat", "gmp", "gnutls", "libaom", "libass", "libdav1d", "libfontconfig", "libfreetype", "libfribidi",
        "libgme", "libharfbuzz", "libmp3lame", "libopenjpeg", "libopus", "libpng", "librubberband", "libsoxr",
        "libspeex", "libsrt", "libtheora", "libvidstab", "libvmaf", "libvo_amrwbenc", "libvorbis", "libvpx", "libwebp",
        "libx264", "libx265", "libxml2", "libxvid", "libzimg", "libzvbi", "zlib",
    }),
    "static-5.2-ffprobe": frozenset({
        "bzlib", "expat", "gmp", "gnutls", "libaom", "libass", "libdav1d", "libfontconfig", "libfreetype", "libgme",
        "libharfbuzz", "libmp3lame", "libopenjpeg", "libopus", "libpng", "librubberband", "libsoxr", "libspeex",
        "libsrt", "libtheora", "libvidstab", "libvmaf", "libvo_amrwbenc", "libvorbis", "libvpx", "libwebp", "libx264",
        "libx265", "libxml2", "libxvid", "libzimg", "libzvbi", "zlib",
    }),
    "static-5.1-ffprobe": frozenset({
        "bzlib", "expat", "gmp", "gnutls", "libaom", "libass", "libdav1d", "libfontconfig", "libfreetype", "libfribidi",
        "libgme", "libharfbuzz", "libmp3lame", "libopenjpeg", "libopus", "libpng", "librubberband", "libsoxr",
        "libspeex", "libsrt", "libtheora", "libvidstab", "libvmaf", "libvo_amrwbenc", "libvorbis", "libvpx", "libwebp",
        "libx264", "libx265", "libxml2", "libxvid", "libzimg", "libzvbi", "zlib",
    }),
    "static-5.0-ffprobe": frozenset({
        "bzlib", "expat", "gmp", "gnutls", "libaom", "libass", "libdav1d", "libfontconfig", "libfreetype", "libfribidi",
        "libgme", "libharfbuzz", "libmp3lame", "libopenjpeg", "libopus", "libpng", "librubberband", "libsoxr",
        "libspeex", "libsrt", "libtheora", "libvidstab", "libvmaf", "libvo_amrwbenc", "libvorbis", "libvpx", "libwebp",
        "libx264", "libx265", "libxml2", "libxvid", "libzimg", "libzvbi", "zlib",
    }),
    "static-4.2": frozenset({
        "bzlib", "expat", "gmp", "gnutls", "libaom", "libass", "libdav1d", "libfontconfig", "libfreetype", "libfribidi",
        "libgme", "libharfbuzz", "libmp3lame", "libopenjpeg", "libopus", "libpng", "librubberband", "libsoxr",
        "libspeex", "libsrt", "libtheora", "libvidstab", "libvmaf", "libvo_amrwbenc", "libvorbis", "libvpx", "libwebp",
        "libx264", "libx265", "libxml2", "libxvid", "libzimg", "libzvbi", "zlib",
    }),
    "static-4.1": frozenset({
        "bzlib", "expat", "gmp", "gnutls", "libaom", "libass", "libfontconfig", "libfreetype", "libfribidi",
        "libmp3lame", "libopenjpeg", "libopus", "libpng", "librubberband", "libsoxr", "libspeex", "libtheora",
        "libvidstab", "libvmaf", "libvo_amrwbenc", "libvorbis", "libvpx", "libwebp", "libx264", "libx265", "libxml2",
        "libxvid", "libzimg", "zlib",
    }),
    "static-4.1-aarch64": frozenset({
        "bzlib", "expat", "gmp", "gnutls", "libass", "libfontconfig", "libfreetype", "libfribidi", "libharfbuzz",
        "libmp3lame", "libopenjpeg", "libopus", "libpng", "librubberband", "libsoxr", "libspeex", "libtheora",
        "libvidstab", "libvo_amrwbenc", "libvorbis", "libvpx", "libwebp", "libx264", "libx265", "libxml2", "libxvid",
        "libzimg", "zlib",
    }),
    "shared-8.1": frozenset(),
    "shared-8.1-aarch64": frozenset({
        "mbedtls",
    }),
    "shared-4.4": frozenset(),
    "tiny-lgpl-fdk-aac": frozenset({
        "libfdk_aac",
    }),
    "tiny-gpl-nonfree": frozenset({
        "libfdk_aac", "libx264",
    }),
}  # fmt: skip
"""By build, the rows one of whose texts or symbols stands in it; those of all others don't."""

OWN: frozenset[str] = frozenset({
    "bzlib", "chromaprint", "expat", "gcrypt", "gmp", "gnutls", "lcms2", "libaom", "libaribb24", "libass", "libbluray",
    "libbs2b", "libcdio", "libcodec2", "libdav1d", "libdvdnav", "libdvdread", "libfontconfig", "libfreetype",
    "libfribidi", "libgme", "libgsm", "libharfbuzz", "libjxl", "libkvazaar", "liblc3", "liblensfun", "libmodplug",
    "libmp3lame", "libmysofa", "libopencore_amrnb", "libopencore_amrwb", "libopenh264", "libopenjpeg", "libopenmpt",
    "libopus", "libplacebo", "libpng", "libpulse", "libqrencode", "librav1e", "librist", "librsvg", "librtmp",
    "librubberband", "libshaderc", "libshine", "libsnappy", "libsoxr", "libspeex", "libsrt", "libssh", "libsvtav1",
    "libtheora", "libtls", "libtwolame", "libvidstab", "libvo_amrwbenc", "libvorbis", "libvpl", "libvpx", "libwebp",
    "libx264", "libx265", "libxml2", "libxvid", "libzimg", "libzmq", "libzvbi", "lv2", "lzma", "mbedtls", "openal",
    "openssl", "zlib",
})  # fmt: skip
"""Rows whose texts and symbols stand in the library's own file, from Debian 13 (trixie)."""

UNSEEN: frozenset[bytes | str] = frozenset({
    "aribcc_context_alloc",  # libaribcaption
    "faacEncOpen",  # libfaac
    "aacDecoder_Open",  # libfdk_aac
    "aacEncOpen",  # libfdk_aac
    "WebRtcIlbcfix_Encode",  # libilbc
    "quirc_decode",  # libquirc
    "vmaf_init",  # libvmaf
    "SSL_library_init",  # openssl
    "SDL_CreateWindow",  # sdl2
})  # fmt: skip
"""Texts and symbols that nothing at hand has shown: they count less."""
