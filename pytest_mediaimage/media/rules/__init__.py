"""What an output must be, a module per kind of rule. Each rule is a frozen dataclass that fulfils `case.Rule`."""

from __future__ import annotations

from typing import Any

from .audio import AudioTracks
from .captions import Captions
from .damage import Survived
from .dash import Dash
from .fields import Fields
from .geometry import Deinterlaced, Upright
from .hdr import Hdr10, Sdr
from .hls import Hls
from .joined import Joined
from .ladder import Ladder
from .loudness import Loudness
from .pace import Pace
from .pictures import Pictures
from .refusal import Refused, Reported
from .scaled import Scaled
from .sizes import BitRate, VideoBytes
from .sound import Sound
from .sprites import Sprites
from .streams import Streams
from .subtitles import Burnt
from .timed import TimedMetadata
from .timing import Timing
from .tracks import Tracks

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
    "fields": Fields,
    "pace": Pace,
    "sprites": Sprites,
    "video-bytes": VideoBytes,
    "bit-rate": BitRate,
    "audio-tracks": AudioTracks,
    "tracks": Tracks,
    "captions": Captions,
    "timed-metadata": TimedMetadata,
    "burnt": Burnt,
    "loudness": Loudness,
    "timing": Timing,
    "joined": Joined,
    "refused": Refused,
    "reported": Reported,
    "survived": Survived,
}
"""The rules by the names that they have in a team's own cases."""
