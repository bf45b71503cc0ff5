"""How much of `license.patents` is told where."""

from __future__ import annotations


def test_a_terminal_shows_the_first_line_of_each_note_and_a_report_all_of_it(media):
    outcome = media("demo", "--media-static", "-k", "license.patents")
    assert (outcome.code, outcome.statuses()) == (0, {"license.patents": "passed"})
    assert "H.264 / AVC is in the image (encoders libx264, libx264rgb; decoder h264" in outcome.text
    assert "exposure required (asked for by Via LA, as of " in outcome.text
    assert "AVC/H.264 programme" not in outcome.text
    (message,) = [text for text in outcome.messages("license.patents") if "H.264 / AVC" in text]
    assert "AVC/H.264 programme (begun by MPEG LA) asks the seller" in message


def test_a_demand_is_told_in_full_where_it_fails(media, pytester):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\npatents: {require: [required]}\n")
    outcome = media("demo", "--media-static", "-k", "license.patents")
    assert (outcome.code, outcome.statuses()) == (1, {"license.patents": "failed"})
    assert "for encode (required), decode (required), and names none that stands" in outcome.text
    assert "AVC/H.264 programme (begun by MPEG LA) asks the seller" in outcome.text
