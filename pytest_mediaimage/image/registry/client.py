"""RegistryClient: the manifests and blobs of one repository.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from ...errors import CorruptImage, InvalidReference, RegistryUnavailable
from ..digest import Digest
from ..limits import MAX_REFERRER_PAGES
from ..manifest import INDEX_TYPES, MANIFEST_TYPES, MAX_DOCUMENT
from .auth import Authorizer, parse_challenges
from .faults import Interrupted, patiently, raise_if_busy
from .origin import Origin
from .repository import Repository
from .transport import Answer, Transport

_ACCEPT = {"Accept": ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))}
_LONGEST_ERROR = 64 * 1024
# RFC 8288. Only the query is taken from it: where the list is we know.
_NEXT = re.compile(r'<[^<>?]*\?([\x21-\x7e]+?)>\s*;[^,]*\brel="?next\b')


class Missing(Exception):
    """The registry says that it hasn't got what was asked for; the text says how."""


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or index as the registry serves it. `digest` is what its bytes have, not what anybody says."""

    data: bytes
    media_type: str
    digest: Digest


class RegistryClient:
    """Reads one repository. Safe among threads: each answer has a connection of its own."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._transport = Transport(repository.address)
        self._auth = Authorizer(self._transport, repository)

    def digest_of(self, tag: str) -> Digest | None:
        """What the tag means now; None where the registry doesn't tell without sending the manifest.

        Raises RegistryUnavailable.
        """
        ask = partial(self._ask, "HEAD", f"manifests/{tag}", _ACCEPT)
        with closing(patiently(f"the digest of {self.repository}:{tag}", ask)) as answer:
            try:
                return Digest(answer.headers.get("Docker-Content-Digest", "")) if answer.status == 200 else None
            except InvalidReference:
                return None

    def document(self, name: str) -> Document:
        """The manifest or index with this tag or digest.

        Raises Missing, RegistryUnavailable, or CorruptImage where it isn't what the digest says, or too large.
        """
        return patiently(f"the manifest {name} of {self.repository}", lambda: self._document(name))

    def blob(self, digest: Digest, offset: int = 0) -> Answer:
        """The blob from a byte on, or all of it where the server prefers that; one attempt.

        Raises Missing, Interrupted or RegistryUnavailable; CorruptImage where the blob ends before that byte.
        """
        answer = self._ask("GET", f"blobs/{digest}", {"Range": f"bytes={offset}-"} if offset else {})
        try:
            if answer.status == 416:
                raise CorruptImage("the registry's blob ends here", blob=digest, offset=offset)
            self._expect(answer, 200, 206)
        except BaseException:
            answer.close()
            raise
        return answer

    def referrers(self, digest: Digest) -> Sequence[bytes] | None:
        """The pages of the index of what refers to this manifest; None where the registry keeps no such list.

        Raises RegistryUnavailable, or CorruptImage where it is too large.
        """
        pages: list[bytes] = []
        path: str | None = f"referrers/{digest}"
        while path is not None:
            if len(pages) == MAX_REFERRER_PAGES:
                raise CorruptImage(f"a list of referrers of more than {MAX_REFERRER_PAGES} pages", blob=digest)
            ask = partial(self._referrers, path, digest)
            found = patiently(f"the referrers of {self.repository}@{digest}", ask)
            if found is None:
                return pages or None
            page, query = found
            pages.append(page)
            path = f"referrers/{digest}?{query}" if query else None
        return pages

    def _referrers(self, path: str, digest: Digest) -> tuple[bytes, str] | None:
        """A page, and what is to be asked for the next one."""
        with closing(self._ask("GET", path, {"Accept": INDEX_TYPES[0]})) as answer:
            # An index is promised where the list is supported; all else, a web page too, comes from those who never
            # heard of it: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
            if answer.status != 200 or _media_type(answer) != INDEX_TYPES[0]:
                return None
            data = answer.small(MAX_DOCUMENT)
            if len(data) > MAX_DOCUMENT:
                raise CorruptImage(f"a list of referrers of more than {MAX_DOCUMENT} bytes", blob=digest)
            further = _NEXT.search(answer.headers.get("Link", ""))
            return data, further[1] if further else ""

    def _document(self, name: str) -> Document:
        with closing(self._ask("GET", f"manifests/{name}", _ACCEPT)) as answer:
            self._expect(answer, 200)
            too_large = (answer.length or 0) > MAX_DOCUMENT
            data = b"" if too_large else answer.small(MAX_DOCUMENT)
            if too_large or len(data) > MAX_DOCUMENT:
                raise CorruptImage(f"the registry sends a manifest of more than {MAX_DOCUMENT} bytes", blob=name)
            digest = _checked(data, name, answer.headers.get("Docker-Content-Digest", "").strip())
            return Document(data, _media_type(answer), digest)

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """One attempt; refusals and servers in trouble are raised, all else is the caller's to judge."""
        base = self._transport.base()
        home = Origin.of(base)
        url = f"{base}/v2/{self.repository.path}/{path}"
        shown = self._auth.header
        answer = self._transport.follow(method, url, headers, shown)
        if answer.status == 401 and answer.origin == home:
            answer.close()
            shown = self._auth.renew(parse_challenges(answer.headers.getlist("WWW-Authenticate")), shown)
            answer = self._transport.follow(method, url, headers, shown)
        if answer.status < 400:
            return answer
        try:
            if answer.origin != home:  # a link that has expired, perhaps: the registry gives a new one
                raise Interrupted(f"{answer.origin}, where {home} sends us, answered {answer.status}")
            raise_if_busy(answer.status, answer.headers.get("Retry-After"), home)
            # An answer to HEAD can't say why: the caller asks with GET next.
            if answer.status == 401 or (answer.status == 403 and method != "HEAD"):
                raise self._auth.denied(f"{home} refuses to let {self.repository.path} be pulled{_said(answer)}")
        except BaseException:
            answer.close()
            raise
        return answer

    def _expect(self, answer: Answer, *statuses: int) -> None:
        if _media_type(answer) in ("text/html", "application/xhtml+xml"):
            raise RegistryUnavailable(
                f"{answer.origin} answered with a web page (status {answer.status})",
                remedy="Is it a registry? The page of a proxy or a firewall looks the same.",
            )
        if answer.status == 404:
            raise Missing(f"{self.repository.host} has no such thing{_said(answer)}")
        if answer.status not in statuses:
            raise RegistryUnavailable(f"{answer.origin} answered {answer.status}{_said(answer)}")


def _media_type(answer: Answer) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _checked(data: bytes, name: str, announced: str) -> Digest:
    digests = {
        algorithm: f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}" for algorithm in ("sha256", "sha512")
    }
    wanted = name if ":" in name else ""  # no tag has a colon
    for said, who in ((wanted, "asked for"), (announced, "announced by the registry")):
        if said and said not in digests.values():
            raise CorruptImage(
                f"the registry sends a manifest with the digest {digests['sha256']}, not the one {who}",
                blob=said[:200],
                remedy="The registry, or a proxy before it, is at fault: push the image again.",
            )
    return Digest(wanted or digests["sha256"])


def _said(answer: Answer) -> str:
    """The registry's own words on an error, after a colon: untrusted, so short and printable."""
    try:
        errors = json.loads(answer.small(_LONGEST_ERROR))["errors"]
        words = ", ".join(f"{error['code']}: {error.get('message', '')}" for error in errors[:3])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Interrupted):
        return ""
    return ": " + "".join(c if c.isprintable() else "?" for c in words)[:200]
