"""Files that tools keep credentials in, known by name; whether they hold any is told by their content."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from .credentials import credentials, is_stand_in
from .private_keys import private_keys

Found = Iterator[tuple[str, bool]]
"""What was found, and whether it is certain."""


def _aws(text: str) -> Found:
    """AWS CLI, "Configuration and credential file settings"."""
    return ((found.kind, True) for found in credentials(text) if found.kind == "an AWS secret access key")


def registry_logins(text: str) -> Found:
    """docker login; the file's format stands in docker/cli, cli/config/configfile/file.go."""
    document = _json(text)
    accounts = document.get("auths", document)  # .dockercfg has no level above
    for account in accounts.values() if isinstance(accounts, dict) else ():
        if isinstance(account, dict) and any(_is_login(key, account.get(key)) for key in _LOGINS):
            yield "credentials of a registry", True
            return


_LOGINS = ("auth", "identitytoken", "registrytoken", "password")


def _is_login(key: str, value: Any) -> bool:
    if not isinstance(value, str) or not value or is_stand_in(value):
        return False
    if key != "auth":
        return True
    try:
        _, colon, password = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, ValueError):
        return False
    return bool(colon and password.strip("\0")) and not is_stand_in(password)


def _npm(text: str) -> Found:
    """npmrc: what is in braces comes from the environment."""
    yield from _values(text, r"(?:^|:)_(?:authToken|auth|password)", "an npm token")


def _netrc(text: str) -> Found:
    """netrc(5), and apt_auth.conf(5)."""
    for match in re.finditer(r"(?:^|\s)password\s+(\S+)", re.sub(r"(?m)^[ \t]*#.*", "", text)):
        if not is_stand_in(match[1]):
            yield "a password", True
            return


def _pypirc(text: str) -> Found:
    """Python Packaging User Guide, "The .pypirc file"."""
    yield from _values(text, "^password", "a password or token of a package index")


def _with_secret_key(text: str) -> Found:
    """Clients of S3: rclone, s3cmd, boto."""
    yield from _values(
        text, "^(?:secret_access_key|secret_key|aws_secret_access_key|pass|token|client_secret)", "a secret key"
    )


def _pgpass(text: str) -> Found:
    """PostgreSQL documentation, "The Password File"."""
    for line in text.splitlines():
        parts = re.split(r"(?<!\\):", line.strip())
        if len(parts) == 5 and not line.startswith("#") and not is_stand_in(parts[4]):
            yield "a password", True
            return


def _git_config(text: str) -> Found:
    """git-config(1); actions/checkout leaves its token in a header unless persist-credentials is off."""
    if re.search(
        r"(?im)^[ \t]*extraheader[ \t]*=[ \t]*[\"']?authorization:[ \t]*\w{1,20}[ \t]+[A-Za-z0-9+/=_.-]{20,}", text
    ):
        yield "an authorization header of a Git server", True
    yield from _forms(text)


def _kubernetes(text: str) -> Found:
    """Kubernetes, "Organizing Cluster Access Using kubeconfig Files"."""
    for match in re.finditer(r"client-key-data[\"']?:[ \t]*[\"']?([A-Za-z0-9+/=]{64,})", text):
        try:
            key = base64.b64decode(match[1], validate=True)
        except binascii.Error:
            continue
        if any(private_keys(key)):
            yield "a client key of a Kubernetes cluster", True
            return
    for match in re.finditer(r"(?m)^[ \t]*(?:- )?token:[ \t]*[\"']?([A-Za-z0-9._-]{16,})", text):
        if not is_stand_in(match[1]):
            yield "a token of a Kubernetes cluster", True
            return


def _google(text: str) -> Found:
    """gcloud auth application-default login."""
    document = _json(text)
    token = document.get("refresh_token")
    if document.get("type") == "authorized_user" and isinstance(token, str) and not is_stand_in(token):
        yield "a refresh token of a Google account", True


def _forms(text: str) -> Found:
    """Whatever has a credential's exact form; an AWS key ID says nothing beside its secret."""
    found = {item.kind: item.certain for item in credentials(text)}
    if "an AWS secret access key" in found:
        found.pop("an AWS access key ID", None)
    yield from found.items()


def _values(text: str, key: str, what: str) -> Found:
    """`what`, where a line of the form key = value has a value of its own."""
    for match in re.finditer(rf"(?m){key}[ \t]*[=:][ \t]*[\"']?([^\s\"']{{6,}})", re.sub(r"(?m)^[ \t]+", "", text)):
        if not is_stand_in(match[1]):
            yield what, True
            return


def _json(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


_BY_NAME: dict[str, tuple[tuple[str, Callable[[str], Found]], ...]] = {
    # name: (the end of the folder, empty for any; how it is read)
    "credentials": (("/.aws", _aws),),
    "config": (("/.kube", _kubernetes), ("/.git", _git_config)),
    "config.json": (("/.docker", registry_logins),),
    ".dockercfg": (("", registry_logins),),
    "auth.json": (("/containers", registry_logins), ("/.composer", _forms)),
    ".npmrc": (("", _npm),),
    ".netrc": (("", _netrc),),
    "auth.conf": (("/apt", _netrc),),
    ".git-credentials": (("", _forms),),
    ".gitconfig": (("", _git_config),),
    ".pypirc": (("", _pypirc),),
    "pip.conf": (("", _forms),),
    "uv.toml": (("", _forms),),
    "sources.list": (("/apt", _forms),),
    "repositories": (("/apk", _forms),),
    "kubeconfig": (("", _kubernetes),),
    "application_default_credentials.json": (("", _google),),
    "rclone.conf": (("", _with_secret_key),),
    ".s3cfg": (("", _with_secret_key),),
    ".boto": (("", _with_secret_key),),
    ".pgpass": (("", _pgpass),),
    ".bash_history": (("", _forms),),
    ".ash_history": (("", _forms),),
    ".vault-token": (("", _forms),),
}
_TEMPLATES = ("example", "sample", "template", "dist", "tpl", "tmpl")


def reader_of(path: str) -> Callable[[str], Found] | None:
    """How the credentials in the file at this path are read; None where it is no such file."""
    folder, _, name = path.rpartition("/")
    for end, read in _BY_NAME.get(name, ()):
        if f"/{folder}".endswith(end):
            return read
    if name == ".env" or name.startswith(".env.") or name.endswith(".env"):
        return None if name.endswith(_TEMPLATES) else _forms
    if name.endswith((".list", ".sources", ".repo", ".conf")):
        if folder == "etc/apt/auth.conf.d":
            return _netrc
        if folder in ("etc/apt/sources.list.d", "etc/yum.repos.d"):
            return _forms
    return None
