"""The packaged cases, a module per kind of job. Each module has its cases in `CASES`."""

from __future__ import annotations

from ..case import Case
from . import audio, av1_vp9, h264_aac, hevc, inputs, ladder, network, packaging, pictures, sprites, tracks

_MODULES = (h264_aac, ladder, packaging, hevc, av1_vp9, pictures, sprites, audio, tracks, inputs, network)

CASES: dict[str, Case] = {case.name: case for module in _MODULES for case in module.CASES}

DEFAULT_SAMPLE = "bars-384x216"
"""The bundled clip that a transcode takes where none is named."""
