"""`manifest.compression`: are the layers compressed as they should be, and as their media types say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...image.manifest import MANIFEST_TYPES, Descriptor
from ...result import Finding, Severity, format_bytes
from ..context import Context
from ..registry import check
from .words import LOCAL, joined

_DOCKER_MANIFEST = MANIFEST_TYPES[1]
# Builders reuse the gzip blob of an empty layer or a cached one; such crumbs are no decision of anybody's.
_CRUMBS = 0.01
_EXPORT = "docker buildx build --output type=image,push=true,oci-mediatypes=true,compression={0},force-compression=true"


@check(
    "manifest.compression",
    fails="a layer that isn't compressed as `image.compression` asks, or as its media type says",
    why="A runtime unpacks by the media type, and zstd unpacks several times as fast as gzip.",
)
def compression(context: Context) -> Iterator[Finding]:
    manifest = context.image.manifest
    if manifest is None:
        context.skip(f"this source keeps no compressed layers; {LOCAL}")
    packings = context.image.packings
    if manifest.layers and not any(packings):
        context.skip("this source doesn't tell how the layers are compressed")
    context.measure(_shares(manifest.layers, packings), budget=context.policy.image_compression)
    for index, (layer, packing) in enumerate(zip(manifest.layers, packings, strict=True)):
        yield from _mislabelled(context, index, layer, packing, manifest.media_type == _DOCKER_MANIFEST)
    if context.policy.image_compression:
        yield from _otherwise(context, manifest.layers, packings, context.policy.image_compression)


def declared(media_type: str) -> str | None:
    """The compression that a layer's media type promises; None for types that are no plain tar.

    OCI image specification, media-types.md; Docker's are of its image manifest version 2, and BuildKit's `.zstd`.
    """
    for ending in ("gzip", "zstd"):
        if media_type.endswith((f".tar+{ending}", f".tar.{ending}")):
            return ending
    return "none" if media_type.endswith(".tar") else None


def _mislabelled(
    context: Context, index: int, layer: Descriptor, packing: str, in_docker_manifest: bool
) -> Iterator[Finding]:
    promised = declared(layer.media_type)
    if in_docker_manifest and "zstd" in (packing, promised):
        # https://github.com/containers/image/pull/2906: Podman refuses it (5.4 among others), and so does skopeo.
        yield context.finding(
            f"layer {index + 1} is zstd in a manifest of Docker's type, which knows no zstd: Podman refuses it",
            layer=index,
            bytes=layer.length,
            evidence=f"zstd in {_DOCKER_MANIFEST}",
            fix=f"Write OCI media types: {_EXPORT.format('zstd')}.",
        )
    elif promised is not None and packing and promised != packing:
        yield context.finding(
            f"layer {index + 1} is {_named(packing)}, but its media type {layer.media_type} says {_named(promised)}",
            layer=index,
            bytes=layer.length,
            evidence=f"{packing} as {layer.media_type}",
            fix="Push the image with a tool that writes the manifest anew (skopeo copy --dest-compress-format "
            f"{'zstd' if packing == 'zstd' else 'gzip'}), and find out which one wrote this.",
        )


def _otherwise(
    context: Context, layers: Sequence[Descriptor], packings: Sequence[str], wanted: str
) -> Iterator[Finding]:
    """Layers that aren't compressed as wanted.

    An image doesn't say which layers are its base's, and public bases are gzip. But they are the lowest: what lies
    above a layer that is as wanted is the image's own, and so is the top one where no layer is.
    """
    as_wanted = [index for index, packing in enumerate(packings) if packing == wanted]
    others = [index for index, packing in enumerate(packings) if packing not in ("", wanted)]
    own = [index for index in others if as_wanted and index > as_wanted[0]]
    below = [index for index in others if index not in own]
    total = sum(layer.length for layer in layers)
    if own or not as_wanted:
        heavy = own or others
        weight = sum(layers[index].length for index in heavy)
        crumbs = bool(own) and weight <= _CRUMBS * total
        for index in heavy:
            yield context.finding(
                f"layer {index + 1} is {_named(packings[index])}, not {wanted} ({format_bytes(layers[index].length)}; "
                f"{_percent(weight, total)} of the image isn't as asked)",
                severity=Severity.NOTE if crumbs else None,
                layer=index,
                bytes=layers[index].length,
                evidence=f"{packings[index]}: {context.image.layers[index].created_by}",
                fix=f"Export with {_EXPORT.format(wanted)}.",
            )
    if own or as_wanted:
        weight = sum(layers[index].length for index in below)
        if below:
            yield context.finding(
                f"the lowest layers ({joined([str(index + 1) for index in below])}; {format_bytes(weight)}, "
                f"{_percent(weight, total)} of the image) aren't {wanted}: as the base image brings them, it seems",
                severity=Severity.NOTE,
                bytes=weight,
                evidence=f"base isn't {wanted}",
                fix=f"Compress them anew, too, if they weigh: {_EXPORT.format(wanted)}.",
            )


def _shares(layers: Sequence[Descriptor], packings: Sequence[str]) -> str:
    """What part of the bytes is compressed how, as in `zstd 96 %, gzip 4 %`."""
    weights: dict[str, int] = {}
    for layer, packing in zip(layers, packings, strict=True):
        name = _named(packing) if packing else "unknown"
        weights[name] = weights.get(name, 0) + layer.length
    total = sum(weights.values())
    heaviest = sorted(weights.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {_percent(weight, total)}" for name, weight in heaviest) or "no layers"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole if whole else 0:.3g} %"


def _named(packing: str) -> str:
    return "uncompressed" if packing == "none" else packing
