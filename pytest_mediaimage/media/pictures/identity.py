"""Which frames came out: missing, doubled, out of order, or not of this input at all.

Works on the marks alone (see `barcode`), so that a dropped frame is named as such and not as bad quality.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..barcode import Mark


@dataclass(frozen=True, slots=True)
class Identity:
    """What is wrong with a sequence of frames. Numbers are frame numbers of the source, except `unreadable`.

    `unreadable` holds positions in the output (from 0), `wrong_nonce` pairs (position, nonce found), `swaps` pairs of
    numbers that changed places, `disorder` pairs (number, the higher number it follows).
    """

    missing: tuple[int, ...] = ()
    duplicate: tuple[int, ...] = ()
    foreign: tuple[int, ...] = ()
    unreadable: tuple[int, ...] = ()
    wrong_nonce: tuple[tuple[int, int], ...] = ()
    swaps: tuple[tuple[int, int], ...] = ()
    disorder: tuple[tuple[int, int], ...] = ()
    nonce: int | None = None

    @property
    def intact(self) -> bool:
        return not self.messages()

    def messages(self) -> list[str]:
        """One sentence for each thing that is wrong, frames named; empty where all is well."""
        found = []
        if self.wrong_nonce:
            position, nonce = self.wrong_nonce[0]
            found.append(
                f"{_count(len(self.wrong_nonce))} of another clip: nonce {nonce} instead of {self.nonce}, "
                f"first at position {position}: the output was not made from this input"
            )
        if self.unreadable:
            carry = "carry" if len(self.unreadable) > 1 else "carries"
            found.append(f"{named(self.unreadable)} of the output {carry} no readable number")
        if self.missing:
            found.append(f"{named(self.missing)} missing")
        if self.duplicate:
            found.append(f"{named(self.duplicate)} shown more than once")
        if self.foreign:
            found.append(f"{named(self.foreign)} beyond the end of the source")
        found += [f"frames {low} and {high} swapped" for low, high in self.swaps[:5]]
        found += [f"frame {number} follows frame {before}" for number, before in self.disorder[:5]]
        if (more := len(self.swaps[5:]) + len(self.disorder[5:])) > 0:
            found.append(f"{more} more out of order")
        return found


def identify(marks: Sequence[Mark | None], expected: Sequence[int], nonce: int) -> Identity:
    """Hold the output's `marks`, in order of presentation, against the `expected` numbers and `nonce`."""
    numbers = [mark.number for mark in marks if mark is not None and mark.nonce == nonce]
    counts = Counter(numbers)
    wanted = set(expected)
    swaps, disorder = _order(list(dict.fromkeys(numbers)))
    wrong = tuple((at, mark.nonce) for at, mark in enumerate(marks) if mark is not None and mark.nonce != nonce)
    return Identity(
        # Where the whole output is another clip's, a list of missing frames would only bury that.
        missing=tuple(number for number in expected if number not in counts) if numbers or not wrong else (),
        duplicate=tuple(number for number, times in counts.items() if times > 1),
        foreign=tuple(number for number in counts if number not in wanted),
        unreadable=tuple(at for at, mark in enumerate(marks) if mark is None),
        wrong_nonce=wrong,
        swaps=swaps,
        disorder=disorder,
        nonce=nonce,
    )


def _order(numbers: list[int]) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Pairs that changed places where that explains the disorder, else every step backwards."""
    displaced = [pair for pair in zip(numbers, sorted(numbers), strict=True) if pair[0] != pair[1]]
    place = dict(displaced)
    if all(place.get(home) == number for number, home in displaced):
        return tuple((home, number) for number, home in displaced if home < number), ()
    backwards = ((after, before) for before, after in pairwise(numbers) if after < before)
    return (), tuple(backwards)


def ranges(numbers: Sequence[int], *, most: int = 8) -> str:
    """`[3, 4, 5, 9]` as `3-5, 9`; beyond `most` ranges the rest is counted."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    texts = [str(low) if low == high else f"{low}-{high}" for low, high in spans[:most]]
    rest = sum(high - low + 1 for low, high in spans[most:])
    return ", ".join(texts) + (f" and {rest} more" if rest else "")


def named(numbers: Sequence[int]) -> str:
    """`frame 3`, or `frames 3-5, 9`."""
    return f"frame{'s' if len(numbers) > 1 else ''} {ranges(numbers)}"


def _count(count: int) -> str:
    return f"{count} frame{'s' if count > 1 else ''}"
