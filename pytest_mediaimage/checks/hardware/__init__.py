"""`hardware.*`: whether a hardware path can work, told from the image; whether it does; and what happens without it."""

from __future__ import annotations

from .drivers import driver_floor
from .fallback import fallback
from .paths import CHECKS as PATHS
from .paths import check_of
from .reachable import reachable

__all__ = ["CHECKS", "check_of"]

CHECKS = (reachable, driver_floor, *PATHS, fallback)
