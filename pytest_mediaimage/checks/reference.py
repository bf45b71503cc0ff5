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
        context.skip("a local image, not a registry reference: it gets its digest when it is pushed")
    if context.image.source not in ("docker", "podman", "registry"):
        context.skip("a file, not a registry reference")
    if not context.policy.image_pinned:
        context.skip("the policy doesn't ask for it")
    context.measure(reference.digest or f"tag {reference.tag or 'latest'}", budget="a digest")
    if not reference.pinned:
        name = reference.location
        if context.image.source == "registry":
            # The index, so that every platform's node can pull by it; what was tested is below it.
            fix = f"Name it by digest, today's is {name}@{context.image.index_digest or context.image.digest}."
        else:
            fix = f"Name it by digest: {name}@sha256:... (`docker buildx imagetools inspect` tells it)."
        yield Finding(f"{reference.text} is named by a tag", evidence=name, fix=fix)


CHECKS = (pinned,)
