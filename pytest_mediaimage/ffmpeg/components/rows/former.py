"""What FFmpeg could once be built with: older builds are about."""

from __future__ import annotations

from ..model import Demand, Row

ROWS = (
    Row(
        "libutvideo", "Ut Video", "GPL-2.0-or-later", Demand.GPL, last=(3, 1), parts=("encoder:libutvideo",),
        sonames=("libutvideo",),
    ),
    Row(
        "libvo_aacenc", "VisualOn AAC", "Apache-2.0", Demand.VERSION3, last=(2, 8), sonames=("libvo-aacenc",),
        parts=("encoder:libvo_aacenc",),
    ),
    Row(
        "libndi_newtek", "NDI SDK", "LicenseRef-NDI-SDK", Demand.NOT_GPL, last=(4, 1), sonames=("libndi",),
        parts=("demuxer:libndi_newtek",),
    ),
    Row(
        "libaacplus", "libaacplus", "LicenseRef-3GPP", Demand.NONFREE, last=(2, 8), sonames=("libaacplus",),
        parts=("encoder:libaacplus",),
    ),
    Row(
        "libfaac", "FAAC", "LGPL-2.1-or-later AND LicenseRef-ISO-MPEG", Demand.NONFREE, last=(3, 1),
        sonames=("libfaac",),
        symbols=("faacEncOpen",), parts=("encoder:libfaac",), purl="pkg:generic/faac",
        product="audiocoding:freeware_advanced_audio_coder",
    ),
)  # fmt: skip
