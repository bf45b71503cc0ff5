"""What a configure line enables, which release it is of, and the licence that its flags give."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from .identity import FFmpegIdentity


def enabled_options(configuration: str) -> Mapping[str, bool]:
    """`--enable-X` and `--disable-X` of a configure line by X, with `_` for `-`, as configure does.

    The last one wins. Options with a value (``--disable-encoder=...``) name parts, not libraries, and are
    left out.
    """
    options: dict[str, bool] = {}
    for word in _split(configuration):
        action, _, name = word.removeprefix("--").partition("-")
        if word.startswith("--") and action in ("enable", "disable") and name and "=" not in name:
            options[name.replace("-", "_")] = action == "enable"
    return options


def release(identity: FFmpegIdentity) -> tuple[int, int | None] | None:
    """FFmpeg's release as (major, minor), from its version, else (major, None) from libavcodec's, else None."""
    if match := re.match(r"[nv]?(\d{1,2})\.(\d+)", identity.version or ""):
        return int(match[1]), int(match[2])
    # libavcodec 58 came with FFmpeg 4, and both majors have grown by one at a time since.
    major = int(identity.libraries.get("libavcodec", "0").split(".")[0])
    return (major - 54, None) if major >= 58 else None


def license_of_flags(options: Mapping[str, bool]) -> str:
    """The SPDX id that configure gives for these options (FFmpeg 9.0.2, lines 4822 to 4849)."""
    if options.get("nonfree"):
        return "LicenseRef-FFmpeg-nonfree"
    return family(gpl=options.get("gpl", False), version3=options.get("version3", False))


def family(*, gpl: bool, version3: bool) -> str:
    """The licence of FFmpeg's that these two make."""
    if gpl:
        return "GPL-3.0-or-later" if version3 else "GPL-2.0-or-later"
    return "LGPL-3.0-or-later" if version3 else "LGPL-2.1-or-later"


def _split(configuration: str) -> list[str]:
    try:
        return shlex.split(configuration)
    except ValueError:  # a line that isn't closed: what can be read still counts
        return configuration.split()
