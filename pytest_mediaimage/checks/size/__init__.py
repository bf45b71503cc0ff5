"""`size.*`: budgets in bytes. Compressed is what a pull transfers, unpacked what a node stores."""

from __future__ import annotations

from .growth import growth
from .paths import files, path
from .totals import compressed, layer, unpacked

CHECKS = (compressed, unpacked, layer, path, files, growth)
