"""Credentials in text, by forms that nothing else has; what only stands in for one is passed over."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

# (what, pattern), with where the form is described. A group named `secret` is the secret part, else it is all.
_FORMS = (
    # AWS, IAM User Guide, "IAM identifiers": the prefixes; an access key ID is base 32.
    ("an AWS access key ID", r"(?:AKIA|ASIA)[A-Z2-7]{16}"),
    # 40 characters of base 64, which much else has too: only behind its name.
    (
        "an AWS secret access key",
        r"(?i:aws_?secret_?(?:access_?)?key|secret_?access_?key)[\"']?\s{0,4}[=:]\s{0,4}[\"']?"
        r"(?P<aws>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
    ),
    # GitHub Docs, "About authentication to GitHub", "GitHub's token formats"
    ("a GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}"),
    ("a GitHub token", r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    # GitLab Docs, "Token overview", "Token prefixes"; routable ones have a dot
    ("a GitLab token", r"gl(?:pat|dt|rt|ptt|cbt)-[A-Za-z0-9_-]{20,300}(?:\.[A-Za-z0-9_.-]{1,40})?"),
    # Slack API docs, "Tokens"
    ("a Slack token", r"xox[abeprs]-[A-Za-z0-9-]{24,250}"),
    ("a Slack webhook", r"hooks\.slack\.com/services/T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24}"),
    # Stripe Docs, "API keys"
    ("a Stripe live key", r"[rs]k_live_[A-Za-z0-9]{24,250}"),
    # Google Cloud, "Manage API keys"
    ("a Google API key", r"AIza[A-Za-z0-9_-]{35}"),
    ("a Google OAuth client secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    # npm, "About access tokens"
    ("an npm token", r"npm_[A-Za-z0-9]{36}"),
    # PyPI, warehouse/macaroons: a macaroon that begins with the service's name
    ("a PyPI token", r"pypi-AgE(?:IcHlwaS5vcmc|NdGVzdC5weXBpLm9yZw)[A-Za-z0-9_-]{50,1000}"),
    # Docker Docs, "Personal access tokens"
    ("a Docker Hub token", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{27,40}"),
    # Hugging Face Docs, "User access tokens"
    ("a Hugging Face token", r"hf_[A-Za-z]{34}"),
    ("an OpenAI key", r"sk-[A-Za-z0-9_-]{20,150}T3BlbkFJ[A-Za-z0-9_-]{20,74}"),
    ("an Anthropic key", r"sk-ant-(?:api|admin)\d\d-[A-Za-z0-9_-]{80,120}"),
    # Microsoft Learn, "Configure Azure Storage connection strings": 64 bytes in base 64
    ("an Azure storage key", r"AccountKey=(?P<azure>[A-Za-z0-9+/]{86}==)"),
    # HashiCorp Vault, "Tokens": service tokens since 1.10
    ("a Vault token", r"hvs\.[A-Za-z0-9_-]{24,200}"),
    # DigitalOcean API, "Authentication"
    ("a DigitalOcean token", r"do[or]_v1_[a-f0-9]{64}|dop_v1_[a-f0-9]{64}"),
    # RFC 7519: three parts in base64url, of which two begin as JSON
    ("a JSON web token", r"eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{20,1000}"),
    # RFC 3986, 3.2.1
    (
        "a password in a URL",
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/?#:@\"'<>]{0,128}:(?P<url>[^\s/?#@\"'<>]{3,512})"
        r"@(?P<host>[^\s/?#:@\"'<>]{1,255})",
    ),
)
_ANY = re.compile(
    "|".join(f"(?P<f{n}>(?<![A-Za-z0-9_])(?:{form})(?![A-Za-z0-9]))" for n, (_, form) in enumerate(_FORMS))
)
_SECRET_GROUPS = ("aws", "azure", "url")

# Not secret by itself, or meant to be seen by whoever uses the service.
_MILDER = frozenset({"an AWS access key ID", "a Google API key", "a JSON web token"})

# What documentation writes in place of a secret, and what a shell, a template or a build puts one in for.
_STAND_IN = re.compile(
    r"example|change.?me|replace.?me|placeholder|dummy|redacted|insert|your|todo|x{4}|\*{3}|\.{3}|0{8}|1234567|abcdefg"
    r"|\$[A-Za-z_{(]|\{\{|%[({s]|<[^>]*>|\{[A-Za-z_]*\}|%[A-Z_]+%",
    re.IGNORECASE,
)
_WEAK = frozenset(
    re.findall(
        r"\S+",
        "pass passwd password pwd secret token key user username admin root guest test default none null true false "
        "foo bar mypassword my_password my-password postgres mysql redis rabbitmq minio minioadmin",
    )
)
_FEWEST = 6  # different characters in a secret of chance


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential in a text: what it is, and where the secret stands.

    `certain` is false for what may be meant to be seen: a key ID without its secret, a Google API key, a JSON web
    token, or a password for a host without a domain, as the services of a compose file have.
    """

    kind: str
    start: int
    end: int
    certain: bool
    mark: str
    """8 hex digits of the secret's sha256; empty for a password, which could be guessed with their help."""


def credentials(text: str) -> Iterator[Credential]:
    """Every credential in the text. What stands in for one is none, such as AWS' own AKIAIOSFODNN7EXAMPLE."""
    for match in _ANY.finditer(text):
        assert match.lastgroup is not None
        kind = _FORMS[int(match.lastgroup[1:])][0]
        group = next((name for name in _SECRET_GROUPS if match[name] is not None), None)
        start, end = match.span(group) if group else match.span()
        secret = text[start:end]
        if is_stand_in(secret) or (group == "url" and _is_harmless_url(match[0], secret, match["host"])):
            continue
        mark = "" if group == "url" else _mark(secret)
        certain = kind not in _MILDER and (group != "url" or "." in match["host"])
        yield Credential(kind, start, end, certain, mark)


def is_stand_in(secret: str) -> bool:
    """Whether it stands in for a secret: a placeholder, a variable, or a word that nobody would keep secret."""
    if _STAND_IN.search(secret) or secret.lower() in _WEAK:
        return True
    return len(secret) >= 16 and len(set(secret)) < _FEWEST


def _is_harmless_url(url: str, password: str, host: str) -> bool:
    """User and password alike, as in the defaults of databases, or a host that is nobody's (RFC 2606)."""
    user = url.partition("://")[2].partition(":")[0]
    return user.lower() == password.lower() or host in ("localhost", "127.0.0.1") or "example" in host


def shown(secret: str) -> str:
    """The first four characters of a secret and no more; fewer of a short one."""
    return f"{secret[:4] if len(secret) >= 16 else secret[:1]}…"


def masked(text: str) -> str:
    """The text with each credential in it cut down to what `shown` leaves."""
    pieces, at = [], 0
    for found in credentials(text):
        pieces += [text[at : found.start], shown(text[found.start : found.end])]
        at = found.end
    return "".join([*pieces, text[at:]])


def _mark(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()[:8]
