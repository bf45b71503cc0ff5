"""The Markdown report: what matters first, short, and no file name that breaks it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from report_helpers import DIGEST, Shown, account, finding, result, subject

from pytest_mediaimage.checks.planning import Planned
from pytest_mediaimage.checks.registry import Check
from pytest_mediaimage.errors import EngineUnavailable
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.report import Account, markdown
from pytest_mediaimage.report.escape import code, prose, visible
from pytest_mediaimage.result import Severity, Status

OURS = {
    "h2",
    "p",
    "code",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "strong",
    "ul",
    "li",
    "br",
    "details",
    "summary",
}
HOSTILE = [
    "</details><script>alert(1)</script>",
    "`rm -rf`",
    "``` \n# heading",
    "| a | b |",
    "[click](http://evil.example.com)",
    "![x](http://evil.example.com/pixel.png)",
    "http://evil.example.com www.example.com a@example.com",
    "<img src=x onerror=alert(1)>",
    "*bold* _it_ ~~gone~~ &lt; &#64;",
    "- item\n1. item\n> quote\n/close\n~label",
    "\\",
    "\u202egnp.exe",
    "nul\x00 bell\x07 esc\x1b[31m",
    "\udcff\udcfe",
    "x" * 5000,
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_file_name_breaks_the_report(name):
    found = [
        finding(f"/{name} is bad", severity, file=f"/opt/{name}", created_by=f"COPY {name} /", fix=f"Remove {name}.")
        for severity in Severity
    ]
    of = subject()
    of.label = f"docker:{name}"
    results = [
        result("contents.media", found, of=of, measured=name, budget=name),
        result("size.layer", of=of, status=Status.SKIPPED, reason=name),
        result("size.path", of=of, status=Status.ERROR, reason=name),
    ]
    report = markdown.text(account(results, [of]))
    shown = Shown(report)
    assert set(shown.tags) <= OURS
    assert shown.text.count("1 passed") == 0 and "1 failed, 1 skipped, 1 error" in shown.text
    assert shown.tags["details"] == shown.ended["details"] == 2
    rows = [line for line in report.splitlines() if line.startswith("| ❌")]
    assert len(rows) == 2 and all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)
    assert all(ch.isprintable() or ch in "\n\u200b" for ch in report)


@given(st.text(max_size=80))
@example("a*b*c <b>&amp; [x](y) `z`")
def test_prose_shows_what_it_was_given(text):
    expected = [visible(line.strip()) for line in text.splitlines() if line.strip()][:8]
    shown = Shown(f"- **x**: {prose(text)}|end")
    assert set(shown.tags) <= {"ul", "li", "strong", "br", "p"}
    if len(text.splitlines()) <= 8:
        told = shown.text.replace("\u200b", "").strip().removeprefix("x:").removesuffix("|end")
        assert " ".join(told.split()) == " ".join("\n".join(expected).split())


@given(st.text(alphabet=st.sampled_from("`ab |<&*\\\n"), min_size=1, max_size=30))
def test_code_shows_what_it_was_given(text):
    shown = Shown(f"- file {code(text)}")
    assert set(shown.tags) <= {"ul", "li", "code"}
    assert " ".join(shown.text.split()) == " ".join(("file " + text).split())


@pytest.mark.parametrize("text", ["@team", "see #12", "!7", "~bug", "GH-3", "https://a.example.com", "www.example.com"])
def test_nobody_is_mentioned_and_nothing_linked(text):
    shown = Shown(f"- x: {prose(text)}")
    assert text not in shown.text and text in shown.text.replace("\u200b", "")
    assert "a" not in shown.tags


def test_failures_come_first_and_notes_are_folded():
    results = [
        result("a.passes", measured=5, budget=10, unit="layers"),
        result("b.warns", [finding("be warned", Severity.WARNING)], measured=3_000_000, budget=2_000_000, unit="bytes"),
        result("c.notes", [finding("by the way", Severity.NOTE)]),
        result("d.fails", [finding("is broken", fix="Mend it.", created_by="RUN make", file="/a")], measured="root"),
        result("e.skips", status=Status.SKIPPED, reason="no engine", required=True),
        result("f.breaks", status=Status.ERROR, reason="no disk", environment=True),
    ]
    report = markdown.text(account(results))
    assert report.startswith("## ❌ Not fit to ship: `docker:acme/ffmpeg:7.1` (linux/amd64)\n")
    assert f"`{DIGEST}`: 3 passed, 1 failed, 1 skipped, 1 error\n" in report
    order = ["| ❌ | d.fails", "| ❌ | f.breaks", "| ⚠️ | b.warns", "is broken", "no disk", "be warned", "<details>"]
    order += ["by the way", "no engine", "| ✅ | a.passes | 5 layers | 10 layers |"]
    places = [report.index(text) for text in order]
    assert places == sorted(places)
    assert "| ⚠️ | b.warns | 3 MB | 2 MB |" in report
    assert "  - file `/a`\n  - added by `RUN make`\n  - to do: Mend it." in report
    assert "**f.breaks** the machine failed: no disk" in report
    assert "no engine (**the policy requires it**)" in report


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_was_not_run_keeps_the_image_from_being_fit(interrupted):
    passed, failed = result("a.passes"), result("a.fails", [finding()])
    ids = [("a.passes", None), ("a.fails", None), ("b.waits", "cpu")]
    planned = [Planned(Check(id, "", "", lambda context: ()), path) for id, path in ids]
    words = ("the run was interrupted: " if interrupted else "") + "1 of 3 checks ran"

    def headline(*results):
        return markdown.text(replace(account(results), planned=planned, interrupted=interrupted)).partition(": `")[0]

    assert headline(passed) == f"## ⚠️ Not judged in full ({words})"
    assert headline(failed) == f"## ❌ Not fit to ship ({words})"
    whole = headline(passed, result("a.fails"), result("b.waits", hardware_path="cpu"))
    assert whole == ("## ⚠️ Not judged in full (the run was interrupted)" if interrupted else "## ✅ Fit to ship")


def test_known_findings_are_marked():
    report = markdown.text(account([result("a.b", [finding("old sin", Severity.NOTE, known=True)])]))
    assert "**a.b**: old sin (known)" in report and report.startswith("## ✅ Fit to ship:")


def test_many_findings_are_counted_and_not_listed():
    found = [finding(f"/opt/{'é' * 200}/{n} is a film", fix="Leave it out. " * 20, file=f"/{n}") for n in range(5000)]
    warned = [finding(f"/{n} is odd", Severity.WARNING) for n in range(500)]
    rare = [finding(f"/{n} is rare", Severity.WARNING) for n in range(2)]
    results = [result("contents.media", found), result("contents.odd", warned), result("contents.rare", rare)]
    report = markdown.text(account(results))
    assert len(report.encode()) < markdown.LONGEST
    assert "- and 4992 more (`--media-report json:PATH` lists all)" in report and "- and 492 more warnings" in report
    assert "/1 is rare" in report


@pytest.mark.parametrize("images", [30, 300, 3000])
def test_many_images_stay_within_the_limit_of_a_comment(images):
    subjects = [subject(f"registry.example.com/{'x' * 150}/{n}:1") for n in range(images)]
    found = [finding(f"{'<' * 200} {n}", file=f"/{'`' * 90}{n}", created_by="RUN " + "|" * 300) for n in range(20)]
    results = [result(f"a.check-{n}", found, of=of) for of in subjects for n in range(5)]
    report = markdown.text(account(results, subjects))
    assert len(report.encode()) <= markdown.LONGEST < 65_536
    told = report.count("## ❌")
    if told < images:
        assert report.endswith(f"… and {images - told} more images\n")
    assert "0 more" not in report.replace("00 more", "")


def test_a_run_that_could_not_begin_says_why():
    error = EngineUnavailable("no engine answers at <unix:///x>", remedy="Start it.")
    report = markdown.text(Account(error=error))
    assert "nothing was judged" in report and "<unix" not in report
    assert "no engine answers at <unix:" in Shown(report).text.replace("\u200b", "")


def test_it_is_written_by_a_run(media, write_layout, pytester, workers):
    evil = "app/<b>@team|`x`.mp4"
    film = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(3_000_000)
    image = write_layout([layer([Item(evil, film)], "COPY films /app/")])
    (pytester.path / "media.md").write_text("of an earlier run")
    media(image, "--media-static", "--media-report=markdown:media.md", *workers)
    report = (pytester.path / "media.md").read_text()
    shown = Shown(report)
    assert report.startswith("## ❌ Not fit to ship: `oci:") and set(shown.tags) <= OURS
    assert f"/{evil}" in shown.text.replace("\u200b", "")
    assert "added by COPY films /app/" in shown.text
    assert [path.name for path in pytester.path.glob(".media.md*")] == []


def test_an_image_that_is_missing_is_told(media, pytester):
    assert media("oci:/no/such/place", "--media-report=markdown:media.md").code == 4
    assert "nothing was judged" in (pytester.path / "media.md").read_text()


def test_a_name_that_is_no_utf8_is_told_in_every_report(media, write_layout, pytester, workers):
    film = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(3_000_000)
    image = write_layout([layer([Item("app/\udcff\udc80.mp4", film)], "COPY films /app/")])
    reports = [f"--media-report={kind}:media.{kind}" for kind in ("markdown", "sarif")]
    outcome = media(image, "-k", "contents.media", "--junitxml=junit.xml", *reports, *workers)
    assert outcome.code == 1 and outcome.result("contents.media")["findings"][0]["file"] == r"/app/\udcff\udc80.mp4"
    for path in ("media.markdown", "media.sarif", "junit.xml"):
        assert "udcff" in (pytester.path / path).read_text("utf-8"), path
