"""`layers.*`: how the image is cut into layers, and what a node must pull again for it."""

from __future__ import annotations

from .count import count
from .order import order
from .reuse import reused
from .waste import waste

CHECKS = (count, waste, order, reused)
