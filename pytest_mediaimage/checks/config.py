"""`config.*`: what the image configuration asks of the runtime."""

from __future__ import annotations

from collections.abc import Iterator

from ..result import Finding
from .context import Context
from .registry import check


@check(
    "config.user",
    fails="an image whose processes run as root",
    why="A decoder reads hostile input: what breaks out of it should own nothing.",
)
def user(context: Context) -> Iterator[Finding]:
    written = context.image.config.user
    name = written.partition(":")[0]
    context.measure(written or "root (not set)", budget="not root")
    if name in ("", "root") or (name.isdigit() and int(name) == 0):
        yield Finding(
            f"processes run as root: the user is {written!r}" if written else "processes run as root: no user is set",
            evidence="root",
            fix="Add a user and `USER 10001:10001` to the Dockerfile, or set runAsUser where the image is deployed.",
        )


CHECKS = (user,)
