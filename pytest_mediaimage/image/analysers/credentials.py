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
# What each of the forms has, much faster to look for: texts without it, nearly all, needn't be tried for every form.
_POSSIBLE = re.compile(r"[A-Za-z0-9_-]{20}|[A-Za-z0-9+/]{40}|://[^\s/?#]*@")
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
# A name that says what its value is. GPG_KEY of the python images is no such name: it is a public key's fingerprint.
_NAME = re.compile(
    r"(?:.*_)?(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY|TOKEN|AUTH_TOKEN|ACCESS_TOKEN|API_?KEY|ACCESS_KEY"
    r"|PRIVATE_KEY|CLIENT_SECRET|CREDENTIALS)",
    re.IGNORECASE,
)
_ASSIGNMENT = re.compile(
    r"(?<![A-Za-z0-9_])(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>\S*))"
)
_SHORTEST = 8
# A private key, whole or cut off, lines ended by line breaks or by what stands for them in JSON and in shells.
_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:\\+[nr]|\s)+(?P<key>[A-Za-z0-9+/=\s\\:,.-]{40,})"
)
# What `docker login` writes, also inside quotes of a shell or of JSON.
_LOGIN = re.compile(r"\\?\"(?:auth|identitytoken|registrytoken|password)\\?\"\s{0,9}:\s{0,9}\\?\"(?P<login>[^\"\\]+)")
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
    for match in _ANY.finditer(text) if _POSSIBLE.search(text) else ():
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


def is_named_secret(name: str, value: str) -> bool:
    """Whether a variable's name says that its value is secret, and the value can be one.

    That is one that nobody would write for anything else: of some length, of letters and digits, no path and no URL.
    """
    if len(value) < _SHORTEST or not _NAME.fullmatch(name) or is_stand_in(value):
        return False
    if re.search(r"\s|^[/.~]|://|^sha\d+:", value):
        return False
    return any(letter.isdigit() for letter in value) and any(letter.isalpha() for letter in value)


def secret_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where anything stands that must not be shown, from and to, in no order; they may overlap.

    Credentials of known forms, values that their name makes a secret (`NAME=value`), private keys, and logins of
    registries.
    """
    yield from ((found.start, found.end) for found in credentials(text))
    for match in _ASSIGNMENT.finditer(text):
        group = next(name for name in ("double", "single", "bare") if match[name] is not None)
        if is_named_secret(match["name"], match[group]):
            yield match.span(group)
    yield from (match.span("key") for match in _BLOCK.finditer(text))
    yield from (match.span("login") for match in _LOGIN.finditer(text) if not is_stand_in(match["login"]))


def masked(text: str) -> str:
    """The text with each secret in it (see `secret_spans`) cut down to what `shown` leaves."""
    pieces, at = [], 0
    for start, end in sorted(secret_spans(text)):
        if start >= at:
            pieces += [text[at:start], shown(text[start:end])]
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def _mark(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()[:8]
