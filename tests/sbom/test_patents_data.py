"""The patent data that comes with the package, and rows that aren't fit to."""

from __future__ import annotations

import copy
import datetime
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.sbom.patents import Codec, Exposure, Kind, PatentData, Statement, built_in, parse_codec

DAY = datetime.date(2026, 11, 24)
STATEMENT = {
    "by": "A pool",
    "kind": "asks",
    "scope": ["encode"],
    "says": "a pool asks for something",
    "source": "https://pool.example/terms",
    "confidence": "high",
}


def row(*kinds: str, scope: tuple[str, ...] = ("encode",)) -> Codec:
    statements = [{**STATEMENT, "kind": kind, "scope": list(scope)} for kind in kinds]
    return parse_codec("codec", {"name": "Codec", "statements": statements}, DAY)


@pytest.mark.parametrize("codec", built_in().codecs.values(), ids=lambda codec: codec.id)
def test_every_statement_has_an_address_a_day_and_neutral_words(codec: Codec) -> None:
    assert codec.statements
    for statement in codec.statements:
        assert re.match(r"https?://[^ ]+\.[^ ]+/", statement.source)
        assert datetime.date(2026, 1, 1) <= statement.as_of <= built_in().as_of
        assert not re.search(
            r"\b(you|your|must|should|need|needs|required to|safe|unsafe|illegal|violat\w+|infring\w+|troll)\b",
            statement.says,
            re.IGNORECASE,
        ), "facts about what others say, and no advice"
        assert not statement.says.endswith(".")


def test_what_is_asked_names_who_asks() -> None:
    for codec in built_in().codecs.values():
        for statement in codec.statements:
            if statement.kind is Kind.ASKS:
                assert statement.programme and statement.by.split()[0] in statement.says, statement


def test_codecs_without_a_source_are_left_out() -> None:
    assert not set(built_in().codecs) & {"jpegxs", "ac4", "dts", "prores", "amrnb", "mpegh3d", "apv", "mp2"}


@pytest.mark.parametrize(
    ("codec", "use", "exposure"),
    [
        ("h264", "encode", "required"),
        ("hevc", "streaming", "required"),
        ("aac", "decode", "required"),
        ("aac", "streaming", "claimed-free"),
        ("av1", "encode", "disputed"),
        ("vp9", "streaming", "disputed"),
        ("opus", "encode", "disputed"),
        ("opus", "streaming", "claimed-free"),
        ("lcevc", "decode", "claimed-free"),
        ("lcevc", "streaming", "required"),
        ("vp8", "decode", "claimed-free"),
        ("mp3", "encode", "expired"),
        ("ac3", "decode", "expired"),
        ("eac3", "encode", "unclear"),
        ("eac3", "streaming", "unclear"),
    ],
)
def test_encode_decode_and_streaming_are_told_apart(codec: str, use: str, exposure: str) -> None:
    assert built_in().codecs[codec].exposure(use) == exposure


@pytest.mark.parametrize(
    ("kinds", "exposure"),
    [
        (["asks"], Exposure.REQUIRED),
        (["sues"], Exposure.REQUIRED),
        (["asks", "exempts"], Exposure.REQUIRED),
        (["asks", "grants"], Exposure.DISPUTED),
        (["sues", "grants"], Exposure.DISPUTED),
        (["grants"], Exposure.CLAIMED_FREE),
        (["exempts"], Exposure.CLAIMED_FREE),
        (["ended"], Exposure.EXPIRED),
        (["ended", "asks"], Exposure.REQUIRED),
        (["unclear"], Exposure.UNCLEAR),
    ],
)
def test_what_statements_come_to(kinds: list[str], exposure: Exposure) -> None:
    assert row(*kinds).exposure("encode") is exposure
    assert row(*kinds).exposure("decode") is Exposure.UNCLEAR, "nothing is said of that"


def test_statements_that_ask_come_first() -> None:
    assert [one.kind for one in row("ended", "grants", "asks").statements_on(["encode"])] == ["asks", "grants", "ended"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"source": ""}, "source is missing"),
        ({"source": None}, "source is missing"),
        ({"source": "a press report of 2010"}, "is no address"),
        ({"source": "https://a b"}, "is no address"),
        ({"says": " "}, "says is missing"),
        ({"says": "x" * 2000}, "longer than"),
        ({"kind": "wants"}, "kind: 'wants' is none of asks"),
        ({"scope": []}, "scope is empty"),
        ({"scope": ["play"]}, "scope: 'play'"),
        ({"scope": "encode"}, "scope must be a list"),
        ({"confidence": "total"}, "confidence: 'total'"),
        ({"as-of": "yesterday"}, "as-of is no date"),
        ({"as-of": datetime.datetime(2026, 1, 1)}, "as-of is no date"),
        ({"price": 3}, "has no 'price'"),
    ],
)
def test_a_statement_without_what_it_needs_is_refused(changed: dict[str, Any], words: str) -> None:
    statement = {**copy.deepcopy(STATEMENT), **changed}
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_codec("codec", {"name": "Codec", "statements": [statement]}, DAY)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Codec!", {"name": "x", "statements": [STATEMENT]}, "no id of a codec"),
        ("codec", {"name": "x", "statements": []}, "needs statements"),
        ("codec", {"name": "x"}, "needs statements"),
        ("codec", {"statements": [STATEMENT]}, "name is missing"),
        ("codec", {"name": "x", "statements": ["said"]}, "must be a mapping"),
        ("codec", None, "must be a mapping"),
        ("codec", {"name": "x", "statements": [STATEMENT], "exposure": "required"}, "has no 'exposure'"),
    ],
)
def test_a_row_that_is_none_is_refused(name: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_codec(name, value, DAY)


def test_rows_of_another_file_replace_ours_and_others_stay() -> None:
    mine = parse_codec("h264", {"name": "mine", "statements": [{**STATEMENT, "as-of": datetime.date(2027, 1, 1)}]}, DAY)
    data = built_in().extended(PatentData(DAY, "mine.yaml", {"h264": mine}))
    assert data.codecs["h264"].name == "mine" and data.codecs["hevc"] is built_in().codecs["hevc"]
    assert data.source == "mine.yaml"
    assert isinstance(mine.statements[0], Statement) and mine.statements[0].as_of == datetime.date(2027, 1, 1)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.dates() | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.one_of(st.text(max_size=6), st.booleans(), st.sampled_from(list(STATEMENT))), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(key=st.sampled_from([*STATEMENT, "as-of", "programme"]), value=_ANY, whole=_ANY)
def test_any_row_is_read_or_refused(key: str, value: Any, whole: Any) -> None:
    for row in (whole, {"name": "x", "statements": [{**STATEMENT, key: value}]}, {"name": value, "statements": value}):
        try:
            codec = parse_codec("codec", row, DAY)
        except ValueError:
            continue
        assert codec.statements and all(one.source.startswith("http") for one in codec.statements)
