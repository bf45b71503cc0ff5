"""`license.*`: under which terms what is in the image may be shipped."""

from __future__ import annotations

from .components import components
from .ffmpeg import ffmpeg
from .label import label
from .patents import patents

CHECKS = (ffmpeg, components, label, patents)
