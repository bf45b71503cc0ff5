"""A team's own checks are checks like any other, and their mistakes stay their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_mediaimage.image.build import Item, layer

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "own-checks.md").read_text()
EXAMPLE, LATE_IMPORT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
(POLICY,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

ONE = """\
from pytest_mediaimage import Finding, Severity, check

@check({id!r}, fails="nothing", why="It shows.")
def own(context):
{body}

def pytest_mediaimage_checks():
    return [own]
"""


def write_check(pytester: pytest.Pytester, body: str, id: str = "acme.rule") -> None:
    pytester.makeconftest(ONE.format(id=id, body="\n".join(f"    {line}" for line in body.splitlines())))


@pytest.fixture
def image(write_layout):
    presets = layer([Item("app/a.ffpreset", b"x" * 20_000), Item("app/b.ffpreset", b"x")], "COPY presets /app/")
    return write_layout([presets], Labels={"com.example.team": "transcoding"})


def test_the_documented_example_works(media, image, pytester, workers):
    pytester.makeconftest(EXAMPLE)
    outcome = media(image, "-k", "acme", "--media-report=markdown:media.md", *workers)
    assert outcome.code == 0
    assert outcome.statuses() == {"acme.owner": "passed", "acme.presets": "passed"}
    assert outcome.result("acme.owner")["measured"] == "transcoding"
    finding = outcome.result("acme.presets")["findings"][0]
    assert (finding["severity"], finding["bytes"]) == ("warning", 20_000)
    assert finding["created_by"] == "COPY presets /app/"
    assert "acme.presets | 20 kB | 10 kB" in (pytester.path / "media.md").read_text()


def test_the_documented_example_fails_with_everything_one_needs(media, write_layout, pytester, workers):
    pytester.makeconftest(EXAMPLE)
    outcome = media(write_layout(), "-k", "acme", *workers)
    assert outcome.code == 1
    outcome.pytest.stdout.fnmatch_lines(
        [
            "the label com.example.team is missing",
            "  to do:       Write LABEL com.example.team=*",
            "why it matters: At three in the morning*",
            "this check fails on an image that doesn't say which team answers for it.",
        ]
    )
    assert "more:" not in outcome.text  # it has no page
    assert "skipped: acme.presets: the image holds no presets" in outcome.text


def test_the_documented_policy_governs_them(media, write_layout, pytester):
    pytester.makeconftest(EXAMPLE)
    (pytester.path / "mediaimage.yaml").write_text(POLICY + "# and by a pattern\n")
    big = layer([Item("app/archive.ffpreset", b"x" * 20_000)], "COPY presets /app/")
    outcome = media(write_layout([big]), "-k", "acme")
    assert outcome.code == 0
    assert outcome.result("acme.owner")["findings"][0]["severity"] == "note"
    assert outcome.result("acme.owner")["required"]
    ignored = outcome.result("acme.presets")["findings"][0]
    assert ignored["severity"] == "note" and "ignored: kept for old titles" in ignored["message"]


def test_the_checks_may_be_imported_late(media, image, pytester, workers):
    checks = EXAMPLE.replace(
        "def pytest_mediaimage_checks():\n    return [owner, presets]", "CHECKS = (owner, presets)"
    )
    assert "CHECKS" in checks
    pytester.makepyfile(acme_media_checks=checks)
    pytester.makeconftest(LATE_IMPORT)
    assert set(media(image, "-k", "acme", *workers).statuses()) == {"acme.owner", "acme.presets"}


def test_without_an_image_nothing_of_ours_is_loaded_by_the_late_import(pytester):
    pytester.makeconftest(LATE_IMPORT)
    pytester.makepyfile("def test_nothing():\n    pass\n")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)  # there is no module acme_media_checks


def test_they_are_listed(pytester):
    pytester.makeconftest(EXAMPLE)
    outcome = pytester.runpytest_inprocess("--media-checks")
    outcome.stdout.re_match_lines(
        [r"acme\.owner +error +fails on an image that doesn't say", r"acme\.presets +warning"]
    )


def test_they_have_ids_that_can_be_passed_back(media, image, pytester):
    pytester.makeconftest(EXAMPLE)
    outcome = media(image, "mediaimage.yaml::acme.owner")
    assert outcome.statuses() == {"acme.owner": "passed"}


def test_they_can_be_asked_for_in_a_test(media, image, pytester):
    pytester.makeconftest(EXAMPLE)
    pytester.makepyfile(
        "def test_it(media_image):\n    assert media_image.check('acme.owner').measured == 'transcoding'\n"
    )
    media(image, "test_they_can_be_asked_for_in_a_test.py").pytest.assert_outcomes(passed=1)


def test_a_policy_that_misspells_one_is_told_so(media, image, pytester):
    pytester.makeconftest(EXAMPLE)
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nseverity: {acme.ownr: note}\n")
    outcome = media(image)
    assert outcome.code == 4 and "did you mean 'acme.owner'" in outcome.text


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("yield Finding('x')\n1 / 0", "ZeroDivisionError: division by zero"),
        ("return [][0]", "IndexError"),
        ("pass", "or returns a list of them: an empty one where all is well"),
        ("yield 'not labelled'", "yielded 'not labelled', which is no finding"),
        ("yield Finding('x', severity='error')", "severity='error'"),
        ("import pathlib; yield Finding('x', file=pathlib.Path('/a'))", "file="),
        ("yield Finding('x', bytes=1.5)", "bytes=1.5"),
        ("context.measure(float('nan')); return []", "measured nan"),
        ("context.measure({}); return []", "measured {}"),
        ("context.measure(1, unit=None); return []", "unit None"),
    ],
)
def test_a_broken_check_is_an_error_of_its_own(media, image, pytester, body, told):
    write_check(pytester, body)
    outcome = media(image, "-k", "acme or user")
    assert outcome.code == 1
    assert outcome.statuses() == {"config.user": "passed", "acme.rule": "error"}
    broken = outcome.result("acme.rule")
    assert told in broken["reason"] and not broken["environment"] and broken["findings"] == []
    outcome.pytest.assert_outcomes(passed=1, errors=1)
    assert "INTERNALERROR" not in outcome.text and "own.py" not in outcome.text


def test_the_line_of_a_broken_check_is_named(media, image, pytester, workers):
    write_check(pytester, "label = context.image.labels['missing']\nyield label")
    reason = media(image, "-k", "acme", *workers).result("acme.rule")["reason"]
    assert "KeyError: 'missing'" in reason and "\n  conftest.py:5 in own" in reason


def test_a_fault_of_the_machine_stays_one(media, image, pytester, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    write_check(pytester, "context.subject.container()\nreturn []")
    outcome = media(image, "-k", "acme", "--media-runtime=docker")
    assert outcome.code == 10 and outcome.result("acme.rule")["environment"]


@pytest.mark.parametrize(
    ("conftest", "told"),
    [
        (ONE.format(id="acme", body="    return []"), "'acme' can't be a check's id"),
        (ONE.format(id="Acme.Rule", body="    return []"), "'Acme.Rule' can't be a check's id"),
        (ONE.format(id="a.b[c]", body="    return []"), "'a.b[c]' can't be a check's id"),
        (ONE.format(id="config.user", body="    return []"), "lies in a family of pytest-mediaimage's own"),
        (ONE.format(id="transcode.mine", body="    return []"), "lies in a family of pytest-mediaimage's own"),
        (ONE.format(id="a.b", body="    return []").replace("[own]", "[own, own]"), "'a.b' is registered twice"),
        ("def pytest_mediaimage_checks():\n    return [print]\n", "which is no check"),
        ("def pytest_mediaimage_checks():\n    import nowhere_to_be_found\n", "No module named 'nowhere_to_be_found'"),
        (ONE.format(id="a.b", body="    return []").replace("why=", "severity='error', why="), "the severity 'error'"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_check_is_refused(media, image, pytester, conftest, told):
    pytester.makeconftest(conftest)
    outcome = media(image)
    assert outcome.code == 4
    assert told in outcome.text and "Traceback" not in outcome.text
    assert outcome.report["error"] == {"message": outcome.report["error"]["message"], "environment": False}


def test_a_hook_may_return_nothing(media, image, pytester):
    pytester.makeconftest("def pytest_mediaimage_checks():\n    return None\n")
    assert media(image, "-k", "user").code == 0


def test_the_package_offers_what_checks_are_made_of():
    import pytest_mediaimage
    from pytest_mediaimage.checks import context, registry

    assert pytest_mediaimage.check is registry.check
    assert pytest_mediaimage.Context is context.Context
    with pytest.raises(AttributeError, match="no attribute 'Check'"):
        _ = pytest_mediaimage.Check
