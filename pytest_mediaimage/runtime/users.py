"""Resolves an image's `USER` as Docker does, by the image's own /etc/passwd and /etc/group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import UsageError

_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class User:
    """Numbers, and the home directory that becomes `HOME`."""

    uid: int
    gid: int
    home: str


def resolve_user(spec: str, *, passwd: str = "", group: str = "") -> User:
    """`"user[:group]"`, names or numbers, to numbers; `passwd` and `group` are the files' texts.

    As moby's `user.GetExecUser`: a number needs no entry and has then group 0 and home `/`; an entry gives
    group and home; a group given after the colon wins. Raises UsageError for a name that has no entry.
    """
    name, _, group_name = spec.partition(":")
    name = name or "0"
    number = _number(name)
    user = next(
        (user for login, user in _users(passwd) if login == name or (number is not None and user.uid == number)),
        None,
    )
    if user is None:
        if number is None:
            raise UsageError(
                f"the image's user {name!r} isn't in its /etc/passwd",
                remedy="Use a number in USER, or add the user in the Dockerfile.",
            )
        user = User(number, 0, "/")
    if not group_name:
        return user
    gid = next((gid for entry, gid in _groups(group) if entry == group_name), _number(group_name))
    if gid is None:
        raise UsageError(
            f"the image's group {group_name!r} isn't in its /etc/group",
            remedy="Use a number in USER, or add the group in the Dockerfile.",
        )
    return User(user.uid, gid, user.home)


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or int(text) > _LARGEST_ID:
        return None
    return int(text)


def _users(passwd: str) -> Iterator[tuple[str, User]]:
    for line in passwd.splitlines():
        fields = line.strip().split(":")
        if len(fields) < 4:
            continue
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is not None and gid is not None:
            yield fields[0], User(uid, gid, fields[5] if len(fields) > 5 and fields[5] else "/")


def _groups(group: str) -> Iterator[tuple[str, int]]:
    for line in group.splitlines():
        fields = line.strip().split(":")
        if len(fields) >= 3 and (gid := _number(fields[2])) is not None:
            yield fields[0], gid
