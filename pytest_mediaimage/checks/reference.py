"""`reference.*`: how the image is named."""

from __future__ import annotations

from collections.abc import Iterator

from ..result import Finding
from .context import Context
from .registry import check


@check(
    "reference.pinned",
    fails="a registry reference that isn't by digest",
    why="A tag can be moved: what was tested needn't be what is deployed.",
)
def pinned(context: Context) -> Iterator[Finding]:
    reference = context.image.reference
    if reference.transport not in ("", "registry"):
        context.skip("a local image, not a registry reference")
    if context.image.source not in ("docker", "podman", "registry"):
        context.skip("a file, not a registry reference")
    if not context.policy.image_pinned:
        context.skip("the policy doesn't ask for it")
    context.measure(reference.digest or f"tag {reference.tag or 'latest'}", budget="a digest")
    if not reference.pinned:
        yield Finding(
            f"{reference.text} is named by a tag",
            evidence=reference.location,
            fix=f"Name it by digest: {reference.location}@sha256:... (`docker buildx imagetools inspect` tells it).",
        )


CHECKS = (pinned,)
