"""The bundled clips, a module per kind. Each module has its clips in `CLIPS`: file name to what writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import bars, broken, captioned, hdr, live, pictures, sound, timed, tracks

_MODULES = (bars, hdr, pictures, sound, timed, tracks, captioned, broken, live)

CLIPS: dict[str, Callable[[Path], None]] = {name: make for module in _MODULES for name, make in module.CLIPS.items()}
