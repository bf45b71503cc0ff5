from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mediaimage.sbom.licenses import Expression, InvalidExpression


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("MIT", "MIT"),
        ("gpl-3.0-or-later and mit", "GPL-3.0-or-later AND MIT"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GPL-3.0", "GPL-3.0-only"),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", "GPL-3.0-or-later WITH GCC-exception-3.1"),
        ("LicenseRef-FFmpeg-nonfree AND FDK-AAC", "LicenseRef-FFmpeg-nonfree AND FDK-AAC"),
    ],
)
def test_normal_form(text: str, normal: str) -> None:
    assert Expression.parse(text).text == normal


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("GPLv3", "'GPLv3' in 'GPLv3' is no licence that SPDX lists. Write GPL-3.0-only, if that is meant"),
        ("MIT AND GPLv2+", "'GPLv2+' in 'MIT AND GPLv2+' is no licence that SPDX lists. Write GPL-2.0-or-later"),
        ("Apache 2.0", "Write Apache-2.0, if that is meant"),
        ("BSD", "Write an id of https://spdx.org/licenses/"),
        ("MIT AND", "is no SPDX expression: AND requires two or more"),
        ("(MIT", "is no SPDX expression"),
        ("", "an empty text"),
        ("(" * 5000 + "MIT" + ")" * 5000, "too long or too deep"),
        ("MIT AND " * 5000 + "MIT", "too long or too deep"),
    ],
)
def test_what_is_wrong_is_said_with_what_was_probably_meant(text: str, words: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        Expression.parse(text)
    assert words in str(caught.value)
    assert "MIT MIT MIT" not in str(caught.value)


def test_meaning_and_choice() -> None:
    whole = Expression.parse("MIT AND (GPL-2.0-only OR Apache-2.0)")
    assert whole.says_same(Expression.parse("(Apache-2.0 OR GPL-2.0-only) AND MIT"))
    assert not whole.says_same(Expression.parse("MIT"))
    assert whole.ids == ("MIT", "GPL-2.0-only", "Apache-2.0")
    assert whole.holds({"MIT", "Apache-2.0"}.__contains__)
    assert not whole.holds({"Apache-2.0", "GPL-2.0-only"}.__contains__)


@settings(deadline=None)
@given(st.text(st.sampled_from("()MITGPL -.23+or andWH\n\0é"), max_size=60) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = Expression.parse(text)
    except InvalidExpression as error:
        assert error.remedy
    else:
        assert Expression.parse(found.text).text == found.text
