"""`manifest.runtime-floor`: can the oldest runtimes of the fleet pull and start the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...image.manifest import INDEX_TYPES, MANIFEST_TYPES
from ...result import Finding
from ..context import Context
from ..registry import check
from .compression import declared

_ZSTD_FIX = (
    "Export with compression=gzip,force-compression=true for this fleet, or push both (podman push --add-compression)."
)
_OCI_FIX = "Export with oci-mediatypes=false, or renew the nodes."
# Docker's layer store chains 125 layers at most, two of 127 being the container's own (moby, layer/layer_store.go,
# maxLayerDepth, since 1.10): https://github.com/moby/moby/issues/25957
_DOCKER_LAYERS = 125


@dataclass(frozen=True, slots=True)
class Needed:
    """Something that not every runtime can do. `since` maps a runtime to the first version that can; None for never.

    A runtime that isn't named always could, or nothing certain is known of it.
    """

    what: str
    since: Mapping[str, str | None]
    fix: str
    layers: tuple[int, ...] = ()


@check(
    "manifest.runtime-floor",
    fails="what the oldest runtime under `fleet` can't pull or start",
    why="The oldest node decides: there the pull fails, often with words that name something else.",
)
def runtime_floor(context: Context) -> Iterator[Finding]:
    policy = context.policy
    fleet = {"docker": policy.fleet_docker, "containerd": policy.fleet_containerd, "podman": policy.fleet_podman}
    oldest = {runtime: version for runtime, version in fleet.items() if version}
    if not oldest:
        context.skip("the policy names no runtime: fleet: {docker: ..., containerd: ..., podman: ...}")
    if context.image.manifest is None:
        context.skip("this source keeps no manifest; test the build's own output or the reference in its registry")
    needs = list(_needs(context))
    context.measure(
        "; ".join(need.what for need in needs) or "nothing special",
        budget=", ".join(f"{runtime} {version}" for runtime, version in oldest.items()),
    )
    for need in needs:
        for runtime, version in oldest.items():
            if runtime not in need.since:
                continue
            since = need.since[runtime]
            if since is not None and _at_least(version, since):
                continue
            can = f"since {since}" if since else "in no version"
            yield context.finding(
                f"{need.what}: {runtime} can do that {can}, the fleet has {version}",
                layer=need.layers[0] if need.layers else None,
                evidence=f"{runtime}: {need.what.partition(' (')[0]}",
                fix=need.fix,
            )


def _needs(context: Context) -> Iterator[Needed]:
    """What the image asks of a runtime, each with where its versions come from."""
    manifest = context.image.manifest
    assert manifest is not None
    packings = context.image.packings
    types = [layer.media_type for layer in manifest.layers]
    if zstd := _where("zstd" in (packing, declared(type_)) for type_, packing in zip(types, packings, strict=True)):
        # https://docs.docker.com/engine/release-notes/23.0/ (20.10: "archive/tar: invalid tar header");
        # https://github.com/containerd/containerd/releases/tag/v1.5.0 (#4809); containers/storage 1.12.11 and
        # containers/image#563, which Podman has since 1.8.
        since = {"docker": "23.0", "containerd": "1.5", "podman": "1.8"}
        yield Needed(f"layers in zstd ({len(zstd)} of {len(types)})", since, _ZSTD_FIX, zstd)
    if manifest.media_type == MANIFEST_TYPES[0] or _index_is_oci(context):
        # https://github.com/moby/moby/pull/37359; https://github.com/moby/moby/issues/39727 saw 18.06 pull them.
        yield Needed("OCI media types", {"docker": "18.06"}, _OCI_FIX)
    if len(types) > _DOCKER_LAYERS:
        what = f"more than {_DOCKER_LAYERS} layers ({len(types)})"
        yield Needed(what, {"docker": None}, "Join RUN instructions that belong together, or copy into a fresh stage.")
    if sha512 := _where(layer.digest.algorithm == "sha512" for layer in manifest.layers):
        # https://github.com/moby/moby/issues/48241, open.
        yield Needed("layers named by sha512", {"docker": None}, "Push the image with sha256 digests.", sha512)
    if nydus := _where("nydus" in type_ for type_ in types):
        never = dict.fromkeys(("docker", "podman"))
        yield Needed("nydus layers", never, "Deploy the image that it was converted from.", nydus)
    if encrypted := _where(type_.endswith("+encrypted") for type_ in types):
        # containerd needs imgcrypt and keys, Podman keys; Docker has nothing of the kind.
        yield Needed("encrypted layers", {"docker": None}, "Push an image that isn't encrypted.", encrypted)


def _index_is_oci(context: Context) -> bool:
    offering = context.image.offering
    return offering is not None and any(root.media_type == INDEX_TYPES[0] for root in offering.roots)


def _where(hits: Iterator[bool]) -> tuple[int, ...]:
    return tuple(index for index, hit in enumerate(hits) if hit)


def _at_least(version: str, floor: str) -> bool:
    return _numbers(version) >= _numbers(floor)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in (*version.split("."), "0", "0"))[:3]
