"""What the checks say of the clean images, each read by a person and judged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Judged:
    """Findings of a check whose message matches `says`. `true`: an engineer who reads it learns a fact; `why` tells."""

    check: str
    says: str
    true: bool
    why: str

    def fits(self, finding: dict[str, Any]) -> bool:
        return finding["check"] == self.check and re.search(self.says, finding["message"]) is not None


JUDGED = (
    Judged(
        "config.user", "^the user is the name", True,
        "runAsNonRoot refuses to start a container whose user is a name.",
    ),
    Judged("config.user", "^processes run as root: no user is set", True, "It starts as root and drops it with gosu."),
    Judged(
        "config.entrypoint", "^process 1 is the shell of the script /usr/local/bin/normalise", True,
        "A pipe of two programs under a shell as process 1, which hands no signal on.",
    ),
    Judged(
        "license.ffmpeg", r"libcdio \(GPL-3\.0-or-later; .*\) makes the whole", True,
        "Debian's libavdevice is linked with libcdio, whose licence is GPL-3.0-or-later.",
    ),
    Judged(
        "license.ffmpeg", r"/av\.libs/.* holds x264 .* without --enable-gpl", True,
        "The wheel av 18.1 states LGPL version 3 and brings libx264 and libx265.",
    ),
    Judged(
        "license.label", "says (?:GPL-2.0-or-later|MIT|Apache-2.0|BSD-2-Clause|Unlicense), concluded is", True,
        "The label is the application's, or leaves out what libcdio asks: it doesn't cover the FFmpeg beside it.",
    ),
    Judged(
        "license.label", "^the label .* says LGPL-2.1-or-later, concluded is GPL-3.0-or-later", True,
        "It is GStreamer's: its plugin for libav loads Debian's libavcodec, which is under the GPL.",
    ),
    Judged("license.patents", r"is in the image \(.*\): exposure", True, "A codec that the build has, with sources."),
    Judged(
        "license.patents", "which encoders or decoders it holds can't be read", True,
        "A 32-bit ffprobe, and a libavformat with a part of libavcodec in it: what isn't known is said.",
    ),
    Judged("sbom.attached", "^no SBOM is attached to", True, "None of them was pushed with one."),
    Judged("ffmpeg.capabilities", "^the image has no ffmpeg", True, "It has none, and needs none."),
    Judged(
        "contents.media", r"^\d+ audio and video files of installed packages .*gradio/", True,
        "They are the package's own: nobody forgot them, and gradio.media reads some.",
    ),
    Judged("contents.media", r"^\d+ audio and video files .*scipy/io/tests", True, "They are there, and small."),
    Judged(
        "contents.toolchain", r"^static libraries: .*libcrypto\.a$", True,
        "Debian's npm depends on libnode-dev, and that on libssl-dev.",
    ),
    Judged(
        "binaries.duplicates", "opencv_python_headless", True,
        "scenedetect depends on opencv-python, so that OpenCV is there twice.",
    ),
    Judged(
        "binaries.duplicates", "dist-packages/numpy/core/_multiarray_umath", True,
        "Debian's python3-numpy holds it twice.",
    ),
    Judged(
        "binaries.duplicates", "/PyNvVideoCodec/libavformat", True,
        "Wheels hold no links, so each name of a library is a copy; links after the installation would do.",
    ),
    Judged(
        "binaries.duplicates", "^each of /usr/bin/ffmpeg .* holds all codecs", True,
        "Two static tools hold all codecs twice.",
    ),
)  # fmt: skip
