"""Displays, cameras and sound cards."""

from __future__ import annotations

from ..model import Row

_LGPL = "LGPL-2.1-or-later"

ROWS = (
    Row("libv4l2", "libv4l", _LGPL, sonames=("libv4l2",), purl="pkg:generic/v4l-utils"),
    Row("libcaca", "libcaca", "WTFPL", sonames=("libcaca",), parts=("muxer:caca",), purl="pkg:github/cacalabs/libcaca"),
    Row("libjack", "JACK", _LGPL, sonames=("libjack",), parts=("demuxer:jack",), purl="pkg:github/jackaudio/jack2"),
    Row(
        "libpulse", "PulseAudio", _LGPL, texts=(b"pa_sw_volume_multiply: Volume exceeds maximum allowed value",),
        sonames=("libpulse",), parts=("demuxer:pulse", "muxer:pulse"), purl="pkg:generic/pulseaudio"),
    Row(
        "alsa", "alsa-lib", _LGPL, sonames=("libasound",), parts=("demuxer:alsa", "muxer:alsa"),
        purl="pkg:generic/alsa-lib",
    ),
    Row("sndio", "sndio", "ISC", sonames=("libsndio",), parts=("demuxer:sndio",), purl="pkg:generic/sndio"),
    Row(
        "openal", "OpenAL Soft", "LGPL-2.0-or-later",
        texts=(b"__ALSOFT_SUSPEND_CONTEXT", b"alIsBufferFormatSupportedSOFT not supported"),
        symbols=("alcOpenDevice",), sonames=("libopenal",), parts=("demuxer:openal",),
        purl="pkg:github/kcat/openal-soft",
    ),
    Row(
        "sdl2", "SDL", "Zlib", symbols=("SDL_CreateWindow",),
        sonames=("libSDL2-2.0",), parts=("muxer:sdl,sdl2",), purl="pkg:github/libsdl-org/SDL",
        product="libsdl:simple_directmedia_layer",
    ),
    Row(
        "libdc1394", "libdc1394", _LGPL, sonames=("libdc1394",), parts=("demuxer:libdc1394",),
        purl="pkg:generic/libdc1394",
    ),
    Row(
        "libiec61883", "libiec61883", _LGPL, sonames=("libiec61883",), parts=("demuxer:iec61883",),
        purl="pkg:generic/libiec61883",
    ),
    Row("libxcb", "libxcb", "X11", sonames=("libxcb",), parts=("demuxer:x11grab",), purl="pkg:generic/libxcb"),
    Row("xlib", "libX11", "X11", sonames=("libX11",), purl="pkg:generic/libx11", product="x.org:libx11"),
)  # fmt: skip
