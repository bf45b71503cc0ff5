"""The libraries' own files, from Debian's packages: what a row's texts and symbols must be found in."""

from __future__ import annotations

from pathlib import Path

from . import debs

PACKAGES = (
    "libaom3", "libaribb24-0t64", "libass9", "libbluray2", "libbs2b0", "libbz2-1.0", "libcdio-paranoia2t64",
    "libcdio19t64", "libchromaprint1", "libcodec2-1.2", "libdav1d7", "libdvdnav4", "libdvdread8t64", "libexpat1",
    "libfontconfig1", "libfreetype6", "libfribidi0", "libgcrypt20", "libgme0", "libgmp10", "libgnutls30t64",
    "libgsm1", "libharfbuzz0b", "libjxl0.11", "libkvazaar7", "liblc3-1", "liblcms2-2", "liblensfun1", "liblilv-0-0",
    "liblzma5", "libmbedcrypto16", "libmbedtls21", "libmodplug1", "libmp3lame0", "libmysofa1", "libopenal1",
    "libopencore-amrnb0", "libopencore-amrwb0", "libopenh264-8", "libopenjp2-7", "libopenmpt0t64", "libopus0",
    "libplacebo349", "libpng16-16t64", "libpulse0", "libqrencode4", "librav1e0.7", "librist4", "librsvg2-2",
    "librtmp1", "librubberband2", "libshaderc1", "libshine3", "libsnappy1v5", "libsoxr0", "libspeex1",
    "libsrt1.5-gnutls", "libssh-4", "libssl3t64", "libsvtav1enc2", "libtheoradec1", "libtheoraenc1", "libtls28t64",
    "libtwolame0", "libvidstab1.1", "libvo-amrwbenc0", "libvorbis0a", "libvpl2", "libvpx9", "libwebp7",
    "libx264-164", "libx265-215", "libxml2", "libxvidcore4", "libzimg2", "libzmq5", "libzvbi0t64", "zlib1g",
)  # fmt: skip


def fetch() -> list[Path]:
    """The shared libraries, each once. Raises debs.CannotFetch without apt-get or Debian's mirror."""
    folder = debs.kept("libraries", lambda into: debs.unpack(PACKAGES, into))
    return sorted(file for file in folder.rglob("lib*.so*") if not file.is_symlink() and file.is_file())
