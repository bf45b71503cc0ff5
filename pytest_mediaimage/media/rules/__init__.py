"""What an output must be, a module per kind of rule. Each rule is a frozen dataclass that fulfils `case.Rule`."""

from __future__ import annotations

from typing import Any

from .dash import Dash
from .geometry import Deinterlaced, Upright
from .hdr import Hdr10, Sdr
from .hls import Hls
from .ladder import Ladder
from .pace import Pace
from .pictures import Pictures
from .scaled import Scaled
from .sizes import BitRate, VideoBytes
from .sound import Sound
from .sprites import Sprites
from .streams import Streams

RULES: dict[str, type[Any]] = {
    "streams": Streams,
    "pictures": Pictures,
    "sound": Sound,
    "scaled": Scaled,
    "ladder": Ladder,
    "hls": Hls,
    "dash": Dash,
    "hdr10": Hdr10,
    "sdr": Sdr,
    "upright": Upright,
    "deinterlaced": Deinterlaced,
    "pace": Pace,
    "sprites": Sprites,
    "video-bytes": VideoBytes,
    "bit-rate": BitRate,
}
"""The rules by the names that they have in a team's own cases."""
