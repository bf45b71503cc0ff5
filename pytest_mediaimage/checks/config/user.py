"""`config.user`: whom the processes run as."""

from __future__ import annotations

from collections.abc import Iterator

from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .accounts import Unknown, account, is_number


@check(
    "config.user",
    fails="a user that the image doesn't have; one that is root is a warning, unless the policy's `severity` "
    "names this check",
    why="A decoder reads hostile input: what breaks out of it should own nothing.",
)
def user(context: Context) -> Iterator[Finding]:
    written = context.image.config.user
    context.measure(written or "root (not set)", budget="not root")
    try:
        runs_as = account(context.image)
    except Unknown as unknown:
        yield Finding(
            f"no container can start: the configuration names {unknown}",
            file="/etc/passwd",
            evidence=f"unknown {written}",
            fix="Create it in the image (`RUN useradd --uid 10001 media`), or write its number: `USER 10001:10001`.",
        )
        return
    if runs_as.uid == 0:
        known = f" (uid 0: {runs_as.name or 'root'})" if written.partition(":")[0] not in ("", "0", "root") else ""
        yield Finding(
            f"processes run as root: the user is {written!r}{known}"
            if written
            else "processes run as root: no user is set",
            # Images that start as root and step down, as Jellyfin's, are common; Kubernetes sets runAsUser.
            severity=None if "config.user" in context.policy.severity else Severity.WARNING,
            evidence="root",
            fix="Add a user and `USER 10001:10001` to the Dockerfile, or set runAsUser where the image is deployed.",
        )
    elif not is_number(written.partition(":")[0]):
        yield Finding(
            f"the user is the name {written!r}: Kubernetes' runAsNonRoot can't tell from a name that it isn't root",
            severity=Severity.NOTE,
            evidence="a name",
            fix=f"Write the number in the Dockerfile: `USER {runs_as.uid}:{runs_as.groups[0]}`.",
        )
