"""The clip that most cases take."""

from __future__ import annotations

from functools import partial

from ..clip import make_clip

CLIPS = {"bars-384x216.mp4": partial(make_clip, frames=125, nonce=0, width=384, height=216, fps=25, seed=0)}
