"""`config.secrets`: credentials in what everybody who may pull the image can read without starting it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...image.analysers.credentials import credentials, is_named_secret, masked, shown
from ...image.analysers.private_keys import private_keys
from ...image.analysers.secret_files import registry_logins
from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .document import document

# Arguments of a build stand before the command: BuildKit and Docker write `|2 A=1 B=2 /bin/sh -c ...`.
_ARGUMENTS = re.compile(r"(?:RUN )?\|\d+ (.*?)(?= /bin/| \S+ -\w*c |$)", re.DOTALL)
_ASSIGNMENT = re.compile(r"(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)=(\"[^\"]*\"|'[^']*'|\S*)")
_ENV_STEP = re.compile(r"(?:/bin/sh -c #\(nop\)\s+)?(?:ENV|ARG) (.*)", re.DOTALL)
_FIX = (
    "Revoke it now, for whoever pulled the image has it; then take it out of {}, and hand it to the build with "
    "`RUN --mount=type=secret` and to the container when it starts."
)


@dataclass(slots=True)
class _Leak:
    """One secret, wherever it stands. Neither `what` nor `evidence` holds more of it than may be printed."""

    what: str
    evidence: str
    severity: Severity | None
    places: list[str] = field(default_factory=list)
    created_by: str | None = None


@check(
    "config.secrets",
    fails="credentials of known forms, private keys and passwords in URLs in environment, labels, command or history "
    "(build arguments stand there too). A value that only its name makes a secret warns",
    why="Whoever may pull the image reads its configuration and history; a secret in them is published.",
)
def secrets(context: Context) -> Iterator[Finding]:
    leaks: dict[str, _Leak] = {}
    for place, text, created_by in _texts(context):
        for secret, leak in _in_text(text):
            _add(leaks.setdefault(secret, leak), place, created_by)
    known = tuple(leaks)
    for place, name, value, created_by in _named(context):
        if not any(secret in value or value in secret for secret in known):
            leak = _Leak(f"the value of {name} ({shown(value)})", f"value of {name}", Severity.WARNING)
            _add(leaks.setdefault(value, leak), place, created_by)
    context.measure(len(leaks), budget=0, unit="secrets")
    for leak in leaks.values():
        yield Finding(
            f"{leak.what} stands in {', '.join(leak.places)}",
            severity=leak.severity,
            created_by=leak.created_by,
            evidence=leak.evidence,
            fix=_FIX.format(_where(leak)),
        )


def _add(leak: _Leak, place: str, created_by: str | None) -> None:
    if place not in leak.places:
        leak.places.append(place)
    leak.created_by = leak.created_by or created_by


def _where(leak: _Leak) -> str:
    """The line of the Dockerfile to change, as far as the configuration tells."""
    name = re.match(r"the (environment|label) (?:\()?(.*?)\)?$", leak.places[0])
    if name:
        return f"`{'ENV' if name[1] == 'environment' else 'LABEL'} {name[2]}`"
    return "the instruction that holds it" if leak.created_by else leak.places[0]


def _texts(context: Context) -> Iterator[tuple[str, str, str | None]]:
    """Every text of the configuration, where it stands, and the instruction that put it there where that is known."""
    config = context.image.config
    read = document(config)
    for name, value in read.env:
        yield f"the environment ({masked(name)})", f"{name}={value}", _instruction(read.steps, "ENV", name)
    for name, value in config.labels.items():
        yield f"the label {masked(name)}", value, _instruction(read.steps, "LABEL", name)
    yield "the entry point", " ".join(config.entrypoint), None
    yield "the command", " ".join(config.cmd), None
    for number, step in enumerate(read.steps, 1):
        yield f"step {number} of the history", step, step


def _instruction(steps: Sequence[str], word: str, name: str) -> str | None:
    """The last step that sets this variable or label."""
    sets = re.compile(rf"(?:/bin/sh -c #\(nop\)\s+)?{word} (?:.*\s)?{re.escape(name)}[= ]", re.DOTALL)
    return next((step for step in reversed(steps) if sets.match(step)), None)


def _in_text(text: str) -> Iterator[tuple[str, _Leak]]:
    """Each credential in a text, and what it is."""
    for found in credentials(text):
        secret = text[found.start : found.end]
        severity = None if found.certain else Severity.WARNING
        yield secret, _Leak(f"{found.kind} ({shown(secret)})", f"{found.kind} {found.mark}".strip(), severity)
    if "PRIVATE KEY" in text:
        for key in private_keys(text.encode("utf-8", "surrogateescape")):
            what = f"{'an encrypted' if key.encrypted else 'a'} {key.kind}"
            yield f"key {key.mark}", _Leak(what, f"{what} {key.mark}", Severity.WARNING if key.encrypted else None)
    if '"auth' in text:
        for what, _ in registry_logins(text[text.index("{") :] if "{" in text else ""):
            yield "logins " + text, _Leak(what, what, None)


def _named(context: Context) -> Iterator[tuple[str, str, str, str | None]]:
    """(place, name, value, instruction) of what only its name makes a secret."""
    read = document(context.image.config)
    for name, value in read.env:
        if is_named_secret(name, value):
            yield f"the environment ({name})", name, value, _instruction(read.steps, "ENV", name)
    for number, step in enumerate(read.steps, 1):
        match = _ARGUMENTS.match(step) or _ENV_STEP.match(step)
        for name, written in _ASSIGNMENT.findall(match[1]) if match else ():
            value = written.strip("\"'")
            if is_named_secret(name, value):
                yield f"step {number} of the history ({name})", name, value, step
