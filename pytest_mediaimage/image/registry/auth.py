"""Authorization: what a registry asks for, answered with the user's credentials or without any.

https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/, RFC 7235 and RFC 7617.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlencode

from ...errors import RegistryDenied, RegistryUnavailable
from . import faults
from .credentials import Credentials, find_credentials
from .faults import Interrupted
from .repository import Repository
from .transport import Answer, Transport

_CLIENT = "pytest-mediaimage"
_LONGEST_ANSWER = 1024 * 1024
# What may stand in a header: anything else would end in an error that quotes it.
_TOKEN = re.compile(r"[\x21-\x7e]+")
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PART = re.compile(rf'[\s,]*(?:({_NAME})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|({_NAME})(?=[\s,]|$))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to be let in: `scheme` in lower case, and its parameters."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(values: Sequence[str]) -> list[Challenge]:
    """The challenges in WWW-Authenticate headers. What can't be read ends the header that it stands in."""
    challenges: list[Challenge] = []
    for value in values:
        position = 0
        while part := _PART.match(value, position):
            position = part.end()
            name, quoted, plain, scheme = part.groups()
            if scheme:
                challenges.append(Challenge(scheme.lower()))
            elif challenges:
                text = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                challenges[-1].parameters[name.lower()] = text
    return challenges


class Authorizer:
    """Keeps the Authorization header for one repository, and makes a new one when it is refused. Safe among threads."""

    def __init__(self, transport: Transport, repository: Repository) -> None:
        self._transport = transport
        self._repository = repository
        self._lock = threading.Lock()
        self._found: tuple[Credentials | None] | None = None
        self.header = ""

    def renew(self, challenges: Sequence[Challenge], refused: str) -> str:
        """The header to show instead of `refused`.

        Raises RegistryDenied where there is none, Interrupted or RegistryUnavailable where no token is to be had, and
        as `find_credentials`.
        """
        with self._lock:
            if self.header == refused:  # else another thread was faster
                self.header = self._answer(
                    {challenge.scheme: challenge.parameters for challenge in challenges}, refused
                )
            return self.header

    def denied(self, why: str) -> RegistryDenied:
        """The fault, with what the user can do about it."""
        host = self._repository.host
        shown = self._found[0] if self._found else None
        tried = f" (with the credentials from {shown.origin})" if shown else " (there are no credentials for it)"
        return RegistryDenied(
            f"{why}{tried}",
            remedy=f"Check the name, and run `docker login {host}` with a user who may pull it; "
            "REGISTRY_AUTH_FILE and DOCKER_CONFIG are honoured.",
        )

    def _answer(self, ways: Mapping[str, Mapping[str, str]], refused: str) -> str:
        if self._found is None:
            self._found = (find_credentials(self._repository),)
        credentials = self._found[0]
        host = self._repository.host
        if "bearer" in ways:
            if credentials is not None and credentials.registry_token:
                header = f"Bearer {self._checked(credentials.registry_token, credentials.origin)}"
            else:
                header = f"Bearer {self._token(ways['bearer'], credentials)}"
        elif "basic" in ways:
            header = credentials.basic if credentials is not None else ""
            if not header:
                raise self.denied(f"{host} asks for a user and a password to let {self._repository.path} be pulled")
        else:
            asked = ", ".join(sorted(ways))[:100]
            if not asked:
                raise self.denied(f"{host} refuses us without saying which authorization it wants")
            raise self.denied(f"{host} wants authorization by {asked}, where Bearer and Basic are known")
        if header == refused:
            raise self.denied(f"{host} refuses to let {self._repository.path} be pulled")
        return header

    def _token(self, asked: Mapping[str, str], credentials: Credentials | None) -> str:
        realm = asked.get("realm", "")
        if not realm:
            raise RegistryUnavailable(f"{self._repository.host} asks for a token, but doesn't say whose")
        fields = {"service": asked["service"]} if asked.get("service") else {}
        fields["scope"] = asked.get("scope") or self._repository.pull_scope
        try:
            with closing(self._ask(realm, fields, credentials)) as answer:
                return self._read_token(answer)
        except Interrupted as reason:
            raise Interrupted(f"a token was asked for, but {reason}", reason.retry_after) from reason

    def _ask(self, realm: str, fields: dict[str, str], credentials: Credentials | None) -> Answer:
        accept = {"Accept": "application/json"}
        if credentials is not None and credentials.identity_token:
            form = {"grant_type": "refresh_token", "client_id": _CLIENT, **fields}
            body = urlencode({**form, "refresh_token": credentials.identity_token}).encode(errors="replace")
            headers = {**accept, "Content-Type": "application/x-www-form-urlencoded"}
            return self._transport.send("POST", realm, headers, body)
        if credentials is not None:
            fields["account"] = credentials.user
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(fields)}"
        return self._transport.follow("GET", url, accept, credentials.basic if credentials is not None else "")

    def _read_token(self, answer: Answer) -> str:
        if answer.status in (400, 401, 403):
            raise self.denied(f"{answer.origin} gives no token to pull {self._repository}")
        faults.raise_if_busy(answer.status, answer.headers.get("Retry-After"), answer.origin)
        if answer.status != 200:
            raise RegistryUnavailable(f"{answer.origin} was asked for a token and answered {answer.status}")
        try:
            document = json.loads(answer.small(_LONGEST_ANSWER))
            token = document.get("token") or document.get("access_token")
        except (ValueError, AttributeError, RecursionError):
            token = None
        return self._checked(token, str(answer.origin))

    @staticmethod
    def _checked(token: object, giver: str) -> str:
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise RegistryUnavailable(f"{giver} gave a token that is none")
        return token
