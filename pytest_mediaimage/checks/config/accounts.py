"""Whom the processes of an image run as, worked out as container engines do."""

from __future__ import annotations

from dataclasses import dataclass

from ...image.image import Image
from ..small_files import small_file

_MOST = (1 << 31) - 1  # moby/sys, user/user.go, maxID


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs: `name` is empty where /etc/passwd has none for it. `groups` holds the main group first."""

    uid: int
    groups: tuple[int, ...]
    name: str = ""


class Unknown(ValueError):
    """An engine finds no such user or group and refuses to start; the message says which."""


def account(image: Image) -> Account:
    """Whom `user` of the configuration stands for (moby/sys, user/user.go, GetExecUser). Raises Unknown."""
    who, _, group = image.config.user.partition(":")
    accounts, groups = _table(image, "/etc/passwd", 4), _table(image, "/etc/group", 3)
    number = _number(who) if who else 0
    match = next(
        (line for line in accounts if (who and line[0] == who) or (number is not None and _id(line[2]) == number)), None
    )
    if match is None and number is None:
        raise Unknown(f"the user {who!r}, whom the image's /etc/passwd doesn't name")
    uid = _id(match[2]) if match else number or 0
    own = _id(match[3]) if match else 0
    if not group:
        more = (_id(line[2]) for line in groups if match and match[0] in line[-1].split(","))
        return Account(uid, (own, *more), match[0] if match else "")
    wanted = _number(group)
    found = next((line for line in groups if line[0] == group or _id(line[2]) == wanted), None)
    if found is None and wanted is None:
        raise Unknown(f"the group {group!r}, which the image's /etc/group doesn't name")
    return Account(uid, (_id(found[2]) if found else wanted or 0,), match[0] if match else "")


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _number(text: str) -> int | None:
    """Raises Unknown for a number that is none of a user or a group."""
    if not is_number(text):
        return None
    if len(text) > 10 or int(text) > _MOST:
        raise Unknown(f"the number {text}, above {_MOST}")
    return int(text)


def _id(text: str) -> int:
    """As engines read it: what is no number is 0."""
    return int(text) if is_number(text) else 0


def _table(image: Image, path: str, columns: int) -> list[list[str]]:
    lines = (line.strip().split(":") for line in (small_file(image, path) or "").splitlines())
    return [[*line, *[""] * (columns - len(line))] for line in lines if line[0] and not line[0].startswith("#")]
