"""Repository: which registry a name means, and what the repository is called there."""

from __future__ import annotations

from dataclasses import dataclass

from ..reference import Reference

_DOCKER_HUB = "docker.io"
_ALIASES = {"index.docker.io": _DOCKER_HUB, "registry-1.docker.io": _DOCKER_HUB}


@dataclass(frozen=True, slots=True)
class Repository:
    """`host` is a host with its port, as users and credential files write it; `path` is what lies below it."""

    host: str
    path: str

    @classmethod
    def of(cls, reference: Reference) -> Repository:
        """By Docker's rule: a first part that can't be a folder is a host; all else is on Docker Hub."""
        host, slash, path = reference.location.partition("/")
        if not slash or not (any(c in host for c in ".:") or host == "localhost" or host != host.lower()):
            host, path = _DOCKER_HUB, reference.location
        host = normal_host(host)
        if host == _DOCKER_HUB and "/" not in path:
            path = f"library/{path}"
        return cls(host, path)

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"

    @property
    def address(self) -> str:
        """Where the registry answers: host and port."""
        return "registry-1.docker.io" if self.host == _DOCKER_HUB else self.host

    @property
    def pull_scope(self) -> str:
        return f"repository:{self.path}:pull"


def normal_host(host: str) -> str:
    """Docker Hub by its one name, whatever it was called."""
    host = host.lower()
    return _ALIASES.get(host, host)
