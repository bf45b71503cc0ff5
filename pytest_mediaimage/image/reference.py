"""What a user writes after --media-image, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import InvalidReference
from .digest import Digest

TRANSPORTS = ("registry", "docker", "podman", "oci", "oci-archive", "docker-archive")
_FILES = ("oci", "oci-archive", "docker-archive")

# The grammar of the distribution project's reference package, which Docker and containerd share.
_NAME = re.compile(
    r"(?:(?:localhost|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+|[a-zA-Z0-9-]+(?=:\d)|\[[0-9a-f:]+\])(?::\d+)?/)?"
    r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
)
# The limit of the same package, which keeps a name a path that file systems take.
_LONGEST_NAME = 255
# Only what looks like a digest is one: Jenkins calls its folders "job@2".
_PATH_AND_DIGEST = re.compile(r"(.*)@(sha\d+:[^/]*)", re.DOTALL)
# skopeo's docker-archive:PATH:NAME:TAG, whose path has no colon.
_PATH_AND_NAME = re.compile(rf"([^:]+):({_NAME.pattern})")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference.

    `text` is what the user wrote. `transport` is one of TRANSPORTS, `demo`, or empty where the user named none.
    `location` is a path or a repository name; `tag` and `digest` are empty where absent. The tag of an archive from
    Docker may be a whole name with a tag.
    """

    text: str
    transport: str
    location: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return self.text

    @property
    def pinned(self) -> bool:
        return bool(self.digest)

    @property
    def without_transport(self) -> str:
        return self.location + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Raises InvalidReference with what is wrong and an example."""
        if text == "demo":
            return cls(text, "demo", "demo")
        if not text or any(ord(c) < 0x20 for c in text):
            raise InvalidReference(f"{text!r} is no image reference", remedy=_EXAMPLES)
        transport, colon, rest = text.partition(":")
        if not colon or "/" in transport or transport not in TRANSPORTS:
            transport, rest = "", text
        if transport in _FILES:
            return _path_reference(text, transport, rest)
        if not transport and (rest.startswith((".", "/", "~"))):
            return _path_reference(text, "", rest)
        return _name_reference(text, transport, rest)


_EXAMPLES = "Write, for instance, registry.example.com/org/ffmpeg:7.1, docker:ffmpeg:7.1 or oci-archive:ffmpeg.tar."


def _path_reference(text: str, transport: str, rest: str) -> Reference:
    pinned = _PATH_AND_DIGEST.fullmatch(rest)
    path, digest = (pinned[1], Digest(pinned[2])) if pinned else (rest, "")
    # The last colon parts a tag from the path, unless what follows can't be a tag.
    before, colon, tag = path.rpartition(":")
    if colon and before and _TAG.fullmatch(tag) and "/" not in tag:
        path = before
        if transport == "docker-archive" and (named := _PATH_AND_NAME.fullmatch(path)):
            path, tag = named[1], f"{named[2]}:{tag}"
    else:
        tag = ""
    if not path:
        raise InvalidReference(f"{text!r} names no path", remedy=_EXAMPLES)
    return Reference(text, transport, path, tag, digest)


def _name_reference(text: str, transport: str, rest: str) -> Reference:
    name, at, digest = rest.partition("@")
    if at:
        Digest(digest)
    tag = ""
    before, colon, last = name.rpartition(":")
    if colon and "/" not in last:
        name, tag = before, last
        if not _TAG.fullmatch(tag):
            raise InvalidReference(f"{tag!r} in {text!r} is no tag", remedy=_EXAMPLES)
    if len(name) > _LONGEST_NAME:
        raise InvalidReference(f"an image name of more than {_LONGEST_NAME} characters", remedy=_EXAMPLES)
    if not _NAME.fullmatch(name):
        hint = " Repository names are lower case." if name.lower() != name else ""
        raise InvalidReference(f"{text!r} is no image reference", remedy=_EXAMPLES + hint)
    return Reference(text, transport, name, tag, digest)
