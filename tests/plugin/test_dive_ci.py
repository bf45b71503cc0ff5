"""dive's `.dive-ci` in a pytest run."""

from __future__ import annotations

from pytest_mediaimage.image.build import Item, layer

RULES = "rules:\n  lowestEfficiency: 0.95\n  highestWastedBytes: 1MB\n  highestUserWastedPercent: 0.5\n"


def wasteful():
    return [
        layer([Item("etc/passwd", b"root:x:0:0::/:/bin/sh\n"), Item("opt/model", bytes(2_000_000))], "COPY model /opt"),
        layer([Item("opt/model", bytes(1_000_000))], "RUN shrink"),
    ]


def test_the_rules_judge_as_dive_does_and_tell_what_could_be_saved(media, pytester, write_layout):
    (pytester.path / ".dive-ci").write_text(RULES)
    outcome = media(write_layout(wasteful()), "--media-static", ".dive-ci")
    assert outcome.statuses() == {
        ".dive-ci::lowestEfficiency": "failed",
        ".dive-ci::highestWastedBytes": "failed",
        ".dive-ci::highestUserWastedPercent": "failed",
    }
    efficiency = outcome.result(".dive-ci::lowestEfficiency")
    assert (efficiency["measured"], efficiency["budget"], efficiency["unit"]) == (33.33, 95.0, "percent")
    assert outcome.result(".dive-ci::highestWastedBytes")["measured"] == 3_000_000
    assert outcome.result(".dive-ci::highestUserWastedPercent")["measured"] == 300.0
    message = outcome.messages(".dive-ci::lowestEfficiency")[0]
    assert "3 MB wasted, every copy counted; 2 MB could be saved (layers.waste)" in message
    assert "3 MB  2 times  /opt/model" in message
    assert outcome.code == 1


def test_a_policy_names_the_file_and_passing_rules_show_the_figures(media, pytester, write_layout):
    (pytester.path / "rules.yaml").write_text("rules: {highestWastedBytes: 20MB}\n")
    (pytester.path / "mediaimage.yaml").write_text("version: 1\ncompat: {dive: rules.yaml}\n")
    outcome = media(write_layout(), "--media-static")
    assert outcome.statuses()["rules.yaml::highestWastedBytes"] == "passed"
    assert outcome.messages("rules.yaml::lowestEfficiency") == [
        "dive-compatible: efficiency 100 %, 0 B wasted, every copy counted; 0 B could be saved (layers.waste)"
    ]


def test_waste_above_nothing_is_infinite_and_fails(media, pytester, write_layout):
    layers = [layer([Item("etc/passwd", b"x"), Item("a", b"x" * 1000)], "COPY a /"), layer([Item(".wh.a")], "RUN rm a")]
    (pytester.path / ".dive-ci").write_text("rules: {lowestEfficiency: disabled}\n")
    outcome = media(write_layout(layers), "--media-static", ".dive-ci")
    assert outcome.result(".dive-ci::highestUserWastedPercent")["measured"] == "infinite"
    assert outcome.statuses() == {".dive-ci::highestUserWastedPercent": "failed"}


def test_a_mistake_ends_the_collection(media, pytester, write_layout):
    (pytester.path / ".dive-ci").write_text("rules:\n  lowestEfficient: 0.9\n")
    outcome = media(write_layout(), "--media-static", ".dive-ci")
    assert ".dive-ci:2: unknown rule 'lowestEfficient'; did you mean 'lowestEfficiency'?" in outcome.text
    assert outcome.code == 2


def test_a_file_that_is_missing_is_a_mistake_of_the_policy(media, pytester, write_layout):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\ncompat: {dive: .dive-ci}\n")
    outcome = media(write_layout(), "--media-static")
    assert "compat.dive: there is no file .dive-ci" in outcome.text
    assert outcome.code == 4
