"""Credentials: what `docker login`, `podman login` and credential helpers have left for a registry.

The files are those of config.json in docker/cli and of containers-auth.json(5) in containers/image.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import ToolUnavailable, UsageError
from .repository import Repository, normal_host

# A helper may ask an agent or a cloud; one that waits for a person would wait for ever.
HELPER_SECONDS = 30

# No file of credentials is near this, and what isn't one need not be read.
_LONGEST_FILE = 4 * 1024 * 1024
# What docker-credential-helpers print where they have nothing.
_NOTHING = ("credentials not found", "no credentials server URL", "no credentials username")
_IDENTITY_USER = "<token>"
_HUB_KEY = "https://index.docker.io/v1/"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What to show a registry: a user and a password, or one of two tokens. `origin` says where it was found.

    `identity_token` buys tokens of access; `registry_token` is one.
    """

    origin: str
    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header, empty where there is no password."""
        if not self.password:
            return ""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode(errors="replace")).decode()


def credential_files() -> list[Path]:
    """Where credentials are looked for, in this order; a file needn't exist."""
    files = []
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        files.append(Path(named))
    files.append(_docker_folder() / "config.json")
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        files.append(Path(runtime) / "containers" / "auth.json")
    base = os.environ.get("XDG_CONFIG_HOME", "")
    files.append((Path(base) if base else _home() / ".config") / "containers" / "auth.json")
    return files


def _docker_folder() -> Path:
    named = os.environ.get("DOCKER_CONFIG")
    return Path(named) if named else _home() / ".docker"


def _home() -> Path:
    return Path(os.environ.get("HOME") or "/")


def find_credentials(repository: Repository) -> Credentials | None:
    """The first that any file or helper holds for the repository.

    Raises UsageError for a file that can't be read as one, ToolUnavailable where a helper is missing or broke.
    """
    for path in credential_files():
        document = _read(path)
        if document is not None and (found := _in_file(path, document, repository)) is not None:
            return found
    return None


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(
            f"the credentials in {path} can't be read: {error.strerror}",
            remedy="Make the file readable for this user, or set REGISTRY_AUTH_FILE or DOCKER_CONFIG.",
        ) from error
    if not data.strip():
        return None
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise _malformed(path, "it is no JSON") from None  # the error would quote what it holds
    if not isinstance(document, dict):
        raise _malformed(path, "it holds no JSON object")
    return document


def _malformed(path: Path, what: str) -> UsageError:
    return UsageError(
        f"the credentials in {path} can't be used: {what}",
        remedy="Mend the file, or write it anew with `docker login`.",
    )


def _in_file(path: Path, document: Mapping[str, Any], repository: Repository) -> Credentials | None:
    helpers = {normal_host(host): name for host, name in _mapping(path, document, "credHelpers").items()}
    helper = helpers.get(repository.host) or document.get("credsStore")
    if helper:
        if not isinstance(helper, str) or "/" in helper or "\0" in helper:
            raise _malformed(path, "a credential helper's name is no name")
        if (found := _ask_helper(path, helper, repository)) is not None:
            return found
    entries = {_normal_key(key): entry for key, entry in _mapping(path, document, "auths").items()}
    for key in _keys(repository):
        if key in entries and (found := _entry(path, key, entries[key])) is not None:
            return found
    return None


def _mapping(path: Path, document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key) or {}
    if not isinstance(value, dict):
        raise _malformed(path, f"{key} is no mapping")
    return value


def _normal_key(key: str) -> str:
    """Docker writes a host, or an URL whose path means nothing; containers/image a host and perhaps a namespace."""
    is_url = "://" in key
    host, _, path = key.partition("://")[2 if is_url else 0].partition("/")
    return normal_host(host) + (f"/{path}" if path and not is_url else "")


def _keys(repository: Repository) -> Iterator[str]:
    """The longest first: host/a/b, host/a, host."""
    parts = [repository.host, *repository.path.split("/")]
    return ("/".join(parts[:count]) for count in range(len(parts), 0, -1))


def _entry(path: Path, key: str, entry: Any) -> Credentials | None:
    fields = {"auth", "username", "password", "identitytoken", "registrytoken"}
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name, ""), str) for name in fields):
        raise _malformed(path, f"the entry for {key} is malformed")
    user, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth"):
        try:
            user, colon, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise _malformed(path, f"the entry for {key} is malformed") from None
        if not colon:
            raise _malformed(path, f"the entry for {key} is malformed")
    found = Credentials(
        origin=str(path),
        user=user,
        password=password.rstrip("\0"),
        identity_token=entry.get("identitytoken", ""),
        registry_token=entry.get("registrytoken", ""),
    )
    return found if found.password or found.identity_token or found.registry_token else None


def _ask_helper(path: Path, name: str, repository: Repository) -> Credentials | None:
    program = f"docker-credential-{name}"
    server = _HUB_KEY if repository.host == "docker.io" else repository.host
    remedy = f"Install it or mend it (`echo {server} | {program} get` shows what it says), or remove it from {path}."

    def broke(how: str) -> ToolUnavailable:
        return ToolUnavailable(f"{program}, which {path} names for {repository.host}, {how}", remedy=remedy)

    found = shutil.which(program)
    if found is None:
        raise broke("isn't installed")
    try:
        done = subprocess.run(
            [found, "get"], input=server.encode(), capture_output=True, timeout=HELPER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise broke(f"did not answer within {HELPER_SECONDS:g} s") from None
    except OSError as error:
        raise broke(f"can't be started: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")
        if any(words in said for words in _NOTHING):
            return None
        raise broke(f"failed with exit code {done.returncode}")  # what it said may hold secrets
    try:
        answer = json.loads(done.stdout)
        user, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise broke("gave an answer without Username and Secret") from None
    if not isinstance(user, str) or not isinstance(secret, str):
        raise broke("gave an answer without Username and Secret")
    if not secret:
        return None
    if user == _IDENTITY_USER:
        return Credentials(program, identity_token=secret)
    return Credentials(program, user=user, password=secret)
