"""A run's account without a run, and Markdown read as a browser shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

from markdown_it import MarkdownIt

from pytest_mediaimage.checks.registry import Check
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.policy import Policy
from pytest_mediaimage.report import Account
from pytest_mediaimage.result import Finding, Result, Severity, Status

DIGEST = "sha256:" + "ab" * 32


def subject(label: str = "docker:acme/ffmpeg:7.1", platform: str = "linux/amd64") -> Any:
    image = SimpleNamespace(digest=DIGEST)
    return SimpleNamespace(label=label, platform=platform, image=image, reference=Reference.parse(label))


def finding(message: str = "something is wrong", severity: Severity = Severity.ERROR, **fields: Any) -> Finding:
    return Finding(message, severity=severity, **fields)


def result(check: str, findings: Sequence[Finding] = (), of: Any = None, **fields: Any) -> Result:
    of = of or subject()
    failed = any(item.severity is Severity.ERROR for item in findings)
    status = fields.pop("status", Status.FAILED if failed else Status.PASSED)
    return Result(check, of.label, of.platform, status=status, findings=list(findings), **fields)


def account(results: Sequence[Result], subjects: Sequence[Any] = (), policy: Policy | None = None) -> Account:
    ids = dict.fromkeys(item.check for item in results)
    checks = [Check(id, f"what {id} fails on", f"Why {id} matters.", lambda context: ()) for id in ids]
    return Account(subjects or [subject()], results, checks, policy or Policy())


class Shown(HTMLParser):
    """Markdown as GitHub's and GitLab's renderers see it: the tags that come out, and the text."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.text = ""
        # CommonMark with tables and bare links, HTML let through. A word with a dot in it is no link on either site.
        renderer = MarkdownIt("gfm-like", {"html": True})
        assert renderer.linkify is not None
        renderer.linkify.set({"fuzzy_link": False})
        self.feed(renderer.render(markdown))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag == "br":
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        self.ended[tag] += 1

    def handle_data(self, data: str) -> None:
        self.text += data
