"""What a distribution's package says of its licence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PackageLicense:
    """Declared, not concluded.

    `main` is the SPDX expression of the package as a whole, None where its text doesn't say; `parts` are those of
    single files in its source, which may or may not be in what was built from them.

    Licences that SPDX doesn't list are ``LicenseRef-`` and a distribution's name for them.
    """

    main: str | None
    parts: tuple[str, ...] = ()

    @property
    def expression(self) -> str | None:
        """All that is named, as one expression; None where nothing is."""
        return conjunction([*([self.main] if self.main else []), *self.parts])

    def to_json(self) -> list[Any]:
        return [self.main, *self.parts]

    @classmethod
    def from_json(cls, fact: list[Any]) -> PackageLicense:
        return cls(fact[0], tuple(fact[1:]))


def conjunction(expressions: Iterable[str]) -> str | None:
    """The expressions joined by AND, each once; None for none."""
    each = list(dict.fromkeys(expressions))
    if len(each) < 2:
        return each[0] if each else None
    return " AND ".join(f"({one})" if " OR " in one else one for one in each)
