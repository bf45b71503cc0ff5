"""What was read in a file, and how far it can be relied on."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 200
"""Characters of the matched text that are kept."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was read in a file.

    `technique` is "codec-table", "library-text", "presence-text", "symbol", "needed", "configuration" or "package";
    `text` what was matched, as it stands in the file, `LONGEST` characters at most; `offset` the byte in the file
    where it stands, None where it has no one place there; `confidence` between 0 and 1.
    """

    technique: str
    text: str
    offset: int | None
    confidence: float
