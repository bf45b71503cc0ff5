"""`sbom.*`: whether bills of materials name what is in the image: the one that we make, and those attached to it."""

from __future__ import annotations

from .attached import attached
from .complete import complete
from .fresh import fresh
from .generated import generated

CHECKS = (generated, attached, complete, fresh)
