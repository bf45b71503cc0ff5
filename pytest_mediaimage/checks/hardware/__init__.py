"""`hardware.*`: whether a promised hardware path can work at all, told from the image; nothing is run."""

from __future__ import annotations

from .drivers import driver_floor
from .reachable import reachable

CHECKS = (reachable, driver_floor)
