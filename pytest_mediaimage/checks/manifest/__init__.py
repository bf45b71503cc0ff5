"""`manifest.*`: what the image's documents promise, and whether the fleet can pull it and gets what they say."""

from __future__ import annotations

from .attestations import attestations
from .compression import compression
from .floor import runtime_floor
from .labels import labels
from .layers import layers
from .parity import parity
from .platforms import platforms

CHECKS = (platforms, compression, labels, attestations, layers, parity, runtime_floor)
