"""dive's `.dive-ci`: its three rules, and the figures that it judges by them.

The figures are dive's own, as dive/filetree/efficiency.go and dive/image/analysis.go of wagoodman/dive make them, so
that a threshold means what it meant there. Its waste counts every copy of a path that stands in two layers or more,
also the one that is seen: what could be saved is less, and is `layers.waste`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..checks.context import Context
from ..checks.registry import Check, Function
from ..errors import PolicyError
from ..policy.units import nearest, shown
from ..result import Finding, Severity, format_bytes
from .dive_figures import Figures, figures
from .tests import CompatTest

if TYPE_CHECKING:
    import yaml

    from ..policy.yaml_file import YamlFile

_DEFAULTS = {"lowestEfficiency": "0.9", "highestWastedBytes": "disabled", "highestUserWastedPercent": "0.1"}
"""cmd/dive/cli/internal/options/ci_rules.go"""
_OFF = ("", "disabled", "off", "false")
# github.com/dustin/go-humanize, bytes.go: a unit may lack its b.
_PREFIXES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_BYTES = re.compile(r"([0-9.,]+)\s*([kmgtpe]?)(i?)b?", re.IGNORECASE | re.ASCII)
_NULL = "tag:yaml.org,2002:null"
_LISTED = 5
_WHY = "The team's .dive-ci asks for it: what is replaced or deleted travels to every node."


def parse_rules(data: bytes, name: str) -> list[CompatTest]:
    """The rules that are enabled, those by default too. Raises PolicyError with file and line."""
    from ..policy.yaml_file import YamlFile

    values: dict[str, tuple[str, int]] = {rule: (text, 1) for rule, text in _DEFAULTS.items()}
    if data.strip():
        values |= _written(YamlFile(data, name, what="the file"))
    tests = []
    for rule, (text, line) in values.items():
        if text.strip().lower() in _OFF:
            continue
        try:
            function = _RULES[rule](text)
        except ValueError as error:
            raise PolicyError(f"{rule}: {error}", file=name, line=line) from error
        fails = f"an image that passes the threshold {text} of {name}, line {line} (dive-compatible)"
        tests.append(CompatTest(rule, line, Check(f"{name}::{rule}", fails, _WHY, function)))
    return tests


def _written(read: YamlFile) -> Iterator[tuple[str, tuple[str, int]]]:
    for key, line, node in read.pairs(read.root, "a .dive-ci"):
        if key != "rules":
            raise read.mistake(f"unknown key {shown(key)}; known: rules", line)
        for rule, rule_line, value in read.pairs(node, "rules") if node.tag != _NULL else ():
            if rule not in _DEFAULTS:
                raise read.mistake(f"unknown rule {shown(rule)}{nearest(rule, [*_DEFAULTS])}", rule_line)
            yield rule, (_text(read, value, rule), rule_line)


def _text(read: YamlFile, node: yaml.Node, rule: str) -> str:
    """The value as it is written; null leaves the default."""
    if node.tag == _NULL:
        return _DEFAULTS[rule]
    if not isinstance(node.value, str):
        raise read.mistake(f"{rule} must be a number, a size or disabled", read.line(node))
    return node.value


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is no number; write 0.9 or disabled") from None
    if not 0 <= ratio <= 1:
        raise ValueError(f"{shown(text)} isn't between 0 and 1")
    return ratio


def _bytes(text: str) -> int:
    """`20MB` is 20 * 10^6, `20MiB` 20 * 2^20, in either case."""
    match = _BYTES.fullmatch(text.strip())
    try:
        count = float(match[1].replace(",", "")) if match else math.nan
    except ValueError:
        count = math.nan
    if match is None or math.isnan(count) or (match[3] and not match[2]):
        raise ValueError(f"{shown(text)} is no size; write 20MB, 20MiB or disabled")
    return int(count * (1024 if match[3] else 1000) ** _PREFIXES[match[2].lower()])


def _efficiency(text: str) -> Function:
    lowest = _ratio(text)

    def check(context: Context) -> Iterator[Finding]:
        found = figures(context.image)
        context.measure(_percent(found.efficiency), budget=_percent(lowest), unit="percent")
        yield from _judged(context, found, found.efficiency < lowest, f"the efficiency is below {lowest:g}")

    return check


def _wasted_bytes(text: str) -> Function:
    highest = _bytes(text)

    def check(context: Context) -> Iterator[Finding]:
        found = figures(context.image)
        context.measure(found.wasted, budget=highest, unit="bytes")
        yield from _judged(context, found, found.wasted > highest, f"more than {format_bytes(highest)} are wasted")

    return check


def _user_wasted(text: str) -> Function:
    highest = _ratio(text)

    def check(context: Context) -> Iterator[Finding]:
        found = figures(context.image)
        ratio = found.user_wasted
        value = "infinite" if math.isinf(ratio) else _percent(ratio)
        context.measure(value, budget=_percent(highest), unit="" if isinstance(value, str) else "percent")
        message = f"more than {highest:g} of what stands above the first layer is wasted"
        yield from _judged(context, found, ratio > highest, message)

    return check


_RULES: Mapping[str, Callable[[str], Function]] = {
    "lowestEfficiency": _efficiency,
    "highestWastedBytes": _wasted_bytes,
    "highestUserWastedPercent": _user_wasted,
}


def _percent(ratio: float) -> float:
    return round(100 * ratio, 2)


def _judged(context: Context, found: Figures, broken: bool, message: str) -> Iterator[Finding]:
    """dive's figures beside ours, as an error where the rule is broken."""
    reclaimable = context.image.tree.wasted_size
    told = (
        f"dive-compatible: efficiency {_percent(found.efficiency):g} %, {format_bytes(found.wasted)} wasted, every "
        f"copy counted; {format_bytes(reclaimable)} could be saved (layers.waste)"
    )
    if not broken:
        yield Finding(told, Severity.NOTE, evidence="figures")
        return
    largest = "".join(
        f"\n  {format_bytes(length):>9}  {count} times  {path}" for length, count, path in found.largest(_LISTED)
    )
    yield Finding(
        f"{message}; {told}; most is in:{largest}",
        bytes=reclaimable,
        evidence=message,
        fix="Delete files in the instruction that made them, or build in a stage of its own and copy the result.",
    )
