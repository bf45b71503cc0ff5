"""`contents.secrets`: private keys and credential files in the layers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...image.analysers import secrets as secret_files
from ...result import Finding, Severity
from ..context import Context
from ..many import each
from ..registry import check
from .found import Found, still_pulled

# Keys that packages ship for their tests and in their documents are known to everybody, and guard nothing: tornado's
# test.key, Python's and Node's own test certificates, examples below /usr/share/doc.
_PUBLIC_FOLDERS = frozenset(
    {
        *("test", "tests", "testing", "testdata", "test_data", "test-data", "__tests__", "spec", "specs", "selftest"),
        *("fixture", "fixtures", "testcases", "certdata", "example", "examples", "sample", "samples", "demo", "demos"),
        *("doc", "docs"),
    }
)
# Where package managers put what everybody can download.
_PACKAGES = re.compile(
    r"/(?:site-packages|dist-packages|node_modules|usr/share|usr/lib/ruby|gems|perl5|go/pkg/mod|usr/local/go"
    r"|third_party|vendor|vendored)/"
)
# A key in a program's text is mostly an example.
_PROGRAM_TEXT = re.compile(
    r"\.(?:py|pyi|js|mjs|cjs|ts|go|rb|pl|pm|pod|php|java|rs|c|h|cc|cpp|hpp|sh|md|rst|txt|html|map|ipynb)$"
)
_SNAKEOIL = "snakeoil"  # Debian's ssl-cert makes one when it is installed
_HOST_KEY = re.compile(r"/etc/(?:ssh/ssh_host_[a-z0-9]+_key|dropbear/.*)")
_COPY = re.compile(r"(?:/bin/sh -c #\(nop\) +)?(?:COPY|ADD) (?!--from)")
_IGNORE = " Name it in .dockerignore, so that no COPY takes it along."
_REVOKE = "Revoke it, for whoever pulls the image has it; then"


@check(
    "contents.secrets",
    fails="private keys that parse, and credential files with real values, in any layer, deleted ones included. Keys "
    "in packages and source texts, snakeoil keys and keys with a passphrase are less",
    why="Whoever can pull the image can read every layer: a secret in one is published, and deleted ones travel on.",
)
def secrets(context: Context) -> Iterator[Finding]:
    files = [item for item in _found(context) if not _is_public(item.path)]
    context.measure(len(files), budget=0, unit="files")
    judged = [(item, what, _severity(item, what)) for item in files for what in _each(item)]
    judged.sort(key=lambda one: -(one[2] or Severity.ERROR))
    yield from each(judged, lambda one: _told(context, *one), "keys and credentials")


def _told(context: Context, item: Found, what: dict[str, object], severity: Severity | None) -> Finding:
    copied = _COPY.match(context.image.layers[item.layer].created_by)
    return context.finding(
        f"{item.path} holds {_words(item, what)}{still_pulled(context, item)}",
        severity=severity,
        layer=item.layer,
        file=item.path,
        bytes=item.length,
        evidence=f"{what['kind']} {what['mark']}".strip(),
        fix=_fix(item, what) + (_IGNORE if copied else ""),
    )


def _found(context: Context) -> Iterator[Found]:
    """Also below what `contents.allow` names: that a folder of clips is welcome says nothing of keys in it."""
    for layer, facts in enumerate(context.image.layer_facts):
        for ordinal, fact in facts.found.get(secret_files.NAME, {}).items():
            yield Found(layer, ordinal, "/" + facts.entries.path(ordinal), facts.entries.length(ordinal), fact)


def _is_public(path: str) -> bool:
    return any(part.lower() in _PUBLIC_FOLDERS for part in path.split("/")[:-1])


def _each(item: Found) -> Iterator[dict[str, object]]:
    """One of each kind: ten keys in a file are one finding."""
    seen = set()
    for what in item.fact:
        if what["kind"] not in seen:
            seen.add(what["kind"])
            yield what


def _severity(item: Found, what: dict[str, object]) -> Severity | None:
    if what["encrypted"]:
        return Severity.NOTE
    if not what["certain"] or _SNAKEOIL in item.path:
        return Severity.WARNING
    if what["key"] and (_PACKAGES.search(item.path) or _PROGRAM_TEXT.search(item.path)):
        return Severity.WARNING
    return None


def _words(item: Found, what: dict[str, object]) -> str:
    kind = str(what["kind"])
    if not what["key"]:
        return kind
    article = "an" if kind[0] in "EO" or kind.startswith("RSA") else "a"
    if _HOST_KEY.fullmatch(item.path):
        return f"{article} {kind}: every container has the same host key, and everybody who may pull has it too"
    if _SNAKEOIL in item.path:
        return f"{article} {kind} that ssl-cert made when the image was built: every container has the same"
    return f"{article} {kind}" + (", encrypted: it is as safe as its passphrase" if what["encrypted"] else "")


def _fix(item: Found, what: dict[str, object]) -> str:
    if _HOST_KEY.fullmatch(item.path):
        return "Remove them in the step that installs the server (`rm /etc/ssh/ssh_host_*`), and make them at start."
    if _SNAKEOIL in item.path:
        return "Remove it in the step that installs ssl-cert, or make sure that nothing uses it."
    if what["key"]:
        return f"{_REVOKE} mount it when the container starts, or in the build with `RUN --mount=type=secret`."
    return f"{_REVOKE} hand it to the build with `RUN --mount=type=secret,target={item.path}` instead of COPY."
