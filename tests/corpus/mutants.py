"""What a mutant is, and how one is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clean_image import Parts

Change = Callable[[Parts], "str | None"]


@dataclass(frozen=True)
class Mutant:
    """The clean image with one change.

    `change` returns a word that the finding's file, evidence or message must hold. A `near_miss` is something that
    merely looks like a fault. `also` are checks that rightly find the same change. `source` is how the image is named:
    `layout`, or in a registry by `tag` or `digest`; `based` compares it with a baseline.
    """

    check: str
    name: str
    change: Change
    near_miss: bool = False
    also: tuple[str, ...] = ()
    source: str = "layout"
    based: bool = False

    @property
    def id(self) -> str:
        return f"{self.check}-{'near-' if self.near_miss else ''}{self.name}"


MUTANTS: list[Mutant] = []


def fault(
    check: str, *, also: tuple[str, ...] = (), source: str = "layout", based: bool = False
) -> Callable[[Change], Change]:
    """Declare a function as a mutant with a fault."""
    return _declare(check, False, also, source, based)


def near_miss(
    check: str, *, also: tuple[str, ...] = (), source: str = "layout", based: bool = False
) -> Callable[[Change], Change]:
    """Declare a function as a mutant without a fault."""
    return _declare(check, True, also, source, based)


def _declare(check: str, near: bool, also: tuple[str, ...], source: str, based: bool) -> Callable[[Change], Change]:
    def declare(change: Change) -> Change:
        name = change.__name__.strip("_").replace("_", "-")
        MUTANTS.append(Mutant(check, name, change, near, also, source, based))
        return change

    return declare
