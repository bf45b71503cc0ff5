"""`layers.order`: whether what changes often lies below what changes seldom."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.compare import contents_of, layer_weights, new_files, shared_layers
from ...image.entries import FILE
from ...image.image import Image
from ...result import Finding, Severity, format_bytes
from ..blame import instruction, layer_lines, lines
from ..context import Context
from ..registry import check
from .instructions import Instruction, parse

# Less is pulled and unpacked again in about a second: no reason to turn a Dockerfile round.
_FLOOR = 10 * 10**6
# A layer that was built again differs in logs and caches, though everything that weighs is the same.
_UNCHANGED = 0.95
# What names an application's dependencies: copied by itself before they are installed, it is right below them.
_MANIFESTS = frozenset(
    """
    requirements.txt constraints.txt pyproject.toml setup.py setup.cfg poetry.lock pdm.lock uv.lock Pipfile
    Pipfile.lock environment.yml conda-lock.yml package.json package-lock.json npm-shrinkwrap.json yarn.lock .npmrc
    .yarnrc .yarnrc.yml pnpm-lock.yaml pnpm-workspace.yaml bun.lock bun.lockb go.mod go.sum go.work go.work.sum
    Cargo.toml Cargo.lock Gemfile Gemfile.lock composer.json composer.lock pom.xml build.gradle build.gradle.kts
    settings.gradle gradle.properties conanfile.txt conanfile.py vcpkg.json packages.txt apt.txt
    """.split()  # noqa: SIM905
)


@check(
    "layers.order",
    fails="layers that change often below large ones that change seldom",
    why="A layer is reused only where every layer below it is the same: one changed line of code can cost gigabytes.",
    severity=Severity.WARNING,
)
def order(context: Context) -> Iterator[Finding]:
    image, old = context.image, context.subject.baseline
    instructions = [parse(layer.created_by) for layer in image.layers]
    if not any(item.word for item in instructions):
        context.skip(
            "the history names no Dockerfile instructions: Nix, Bazel and others have their own order, "
            "and layers.reuse measures what it is worth"
        )
    if old is not None:
        yield from _measured(context, old, instructions)
    else:
        yield from _guessed(context, instructions)


def _measured(context: Context, old: Image, instructions: list[Instruction]) -> Iterator[Finding]:
    """Against a baseline: layers that stayed the same, and had to be built and pulled again for one below them."""
    new = context.image
    changed, unchanged = _parted(old, new)
    first = changed[0] if changed else 0
    weights = layer_weights(new, compressed=new.manifest is not None)
    above = [index for index in unchanged if index > first]
    again = sum(weights[index] for index in above)
    # The lowest layer is the base's, and a base that was updated can't lie elsewhere; nor can what RUN updates in it.
    ours = first > 0 and instructions[first].copies and instructions[first].target.rstrip("/")
    context.measure(again if ours else 0, unit="bytes")
    if not ours or again < _FLOOR:
        return
    named = lines((weights[index], f"layer {index + 1}  {instruction(new, index)}") for index in above)
    yield context.finding(
        f"layer {first + 1} changed since {old.name} and lies below layers that hold the same files as before: "
        f"{format_bytes(again)} that could have been reused:{named}",
        layer=first,
        bytes=again,
        evidence=new.layers[first].created_by,
        fix="Move this instruction above them (below them in the Dockerfile), as near to its end as it can go.",
    )


def _parted(old: Image, new: Image) -> tuple[list[int], list[int]]:
    """The layers above the shared ones that hold files: those that changed, and those whose content the old image has.

    The latter may be other layers all the same, by their times or by what lies below them.
    """
    changed: list[int] = []
    unchanged: list[int] = []
    shared = shared_layers(old, new)
    if shared < len(new.layers):
        known = contents_of(old.layer_facts[shared:])
        for index in range(shared, len(new.layers)):
            facts = new.layer_facts[index]
            total = facts.unpacked_size
            fresh = sum(facts.entries.length(ordinal) for ordinal in new_files(facts, known))
            if total:
                (unchanged if fresh <= total * (1 - _UNCHANGED) else changed).append(index)
    return changed, unchanged


def _guessed(context: Context, instructions: list[Instruction]) -> Iterator[Finding]:
    """Without a baseline: an application's source below packages that didn't need it to be installed."""
    image = context.image
    weights = [facts.unpacked_size for facts in image.layer_facts]
    found: list[tuple[int, list[int]]] = []
    sources = [index for index, item in enumerate(instructions) if item.copies_all and _holds_source(image, index)]
    if sources:
        lowest = sources[0]
        above = [index for index in range(lowest + 1, len(weights)) if instructions[index].installs()]
        if sum(weights[index] for index in above) >= _FLOOR:
            found.append((lowest, above))
    context.measure(sum(weights[index] for _, above in found for index in above), unit="bytes")
    for lowest, above in found:
        again = sum(weights[index] for index in above)
        each = [weight if index in above else 0 for index, weight in enumerate(weights)]
        yield context.finding(
            f"layer {lowest + 1} copies the application, and packages are installed above it: with every change of "
            f"the application {format_bytes(again)} (unpacked) are installed and pulled again:"
            f"{layer_lines(image, each)}",
            severity=Severity.NOTE,
            layer=lowest,
            bytes=again,
            evidence=image.layers[lowest].created_by,
            fix="Install first, then copy the application: COPY only what names the dependencies (requirements.txt, "
            "package.json, lock files), RUN the installation, and COPY . after it.",
        )


def _holds_source(image: Image, index: int) -> bool:
    """Whether a copied layer holds more than manifests."""
    entries = image.layer_facts[index].entries
    return any(entries.path(ordinal).rpartition("/")[2] not in _MANIFESTS for ordinal in entries.of_type(FILE))
