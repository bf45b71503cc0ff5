"""What an output must be, a module per kind of rule. Each rule is a frozen dataclass that fulfils `case.Rule`."""

from __future__ import annotations

from typing import Any

from .pictures import Pictures
from .sound import Sound
from .streams import Streams

RULES: dict[str, type[Any]] = {"streams": Streams, "pictures": Pictures, "sound": Sound}
"""The rules by the names that they have in a team's own cases."""
