"""Go's regular expressions as Python's: what differs between the two, and what can't be said."""

from __future__ import annotations

import pytest

from pytest_mediaimage.compat.regex import Untranslatable, compile_go, go_text

MATCHES = [
    ("a$", "a\n", False),
    ("(?m)a$", "a\nb", True),
    ("^b", "a\nb", False),
    ("(?m:^b)", "a\nb", True),
    (r"x\z", "x", True),
    (r"a.b", "a\nb", False),
    (r"(?s)a.b", "a\nb", True),
    (r"[^a]", "\n", True),
    (r"\w", "é", False),
    (r"\s", "\v", False),
    (r"[[:space:]]", "\v", True),
    (r"\d", "٣", False),
    (r"\bé", "aé", True),
    (r"a\Bb", "ab", True),
    (r"\B", "", True),
    ("[[:alpha:]]+[[:digit:]]", "12ab3", True),
    ("[[:^alpha:]]", "abc", False),
    ("[[:word:]-]", "-", True),
    (r"\pL", "é", True),
    (r"\PL", "é", False),
    (r"\p{^Lu}", "A", False),
    (r"[\p{Nd}x]", "٣", True),
    (r"\p{Lu}", "a", False),
    ("(?i)FOO|bar", "foo", True),
    ("a(?i)b|c", "C", True),
    ("a(?i)b|c", "AB", False),
    ("(a(?i)b)c", "aBc", True),
    ("(a(?i)b)c", "aBC", False),
    ("(?i)a(?-i)b", "AB", False),
    ("(?i)[^a]", "A", False),
    (r"(?i)\W", "ſ", False),
    (r"(?i)[\W]", "K", False),
    ("(?i)k", "K", True),
    ("x{2,3}", "xx", True),
    ("x{,2}", "x{,2}", True),
    ("x{,2}", "xx", False),
    ("a{", "a{", True),
    (r"\Qa.b\E+", "a.bb", True),
    (r"\Qa.b", "axb", False),
    ("[]a]", "]", True),
    (r"[a\]]", "]", True),
    ("[a-]", "-", True),
    (r"[\x41-\x{43}]", "B", True),
    (r"\101\x42", "AB", True),
    (r"(?P<name>a)(?<other>b)", "ab", True),
    ("(?U)a+", "aa", True),
    ("a+?b??", "aab", True),
    ("", "", True),
    ("a||b", "zz", True),
    (".*x.*", "a\nx", True),
    ("(.*x|y).*", "a\nz", False),
    ("^.*x", "a\nx", False),
    (r"\.", "a", False),
    ("é+", "éé", True),
    ("[[:ascii:]]", "é", False),
    ("(?i)", "", True),
]
REFUSED = {
    "(?=a)": "(?=",
    "(?<!a)": "(?<",
    "(?x)a": "(?x",
    r"(a)\1": "reference \\1",
    "a**": "doubled repetition",
    "a++": "doubled repetition",
    "*a": "repeats nothing",
    "a|*": "repeats nothing",
    "(a": "'(' without ')'",
    "a)": "')' without '('",
    "[a": "'[' without ']'",
    "[b-a]": "ends before it begins",
    "[[:foo:]]": "[:foo:]",
    r"\p{Greek}": "\\p{Greek}",
    r"\Z": "'\\Z'",
    r"\C": "'\\C'",
    "a\\": "escape",
    "x{1001}": "{1001}",
    "x{3,2}": "{3,2}",
    "(" * 200 + ")" * 200: "100 brackets",
}


@pytest.mark.parametrize(("expression", "text", "matches"), MATCHES)
def test_an_expression_matches_where_go_does(expression: str, text: str, matches: bool) -> None:
    assert (compile_go(expression).search(text) is not None) is matches


@pytest.mark.parametrize("expression", REFUSED)
def test_what_cannot_be_said_is_refused_by_name(expression: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        compile_go(expression)
    assert REFUSED[expression] in str(caught.value)


def test_a_leading_star_does_not_make_a_search_quadratic() -> None:
    # Half a minute and more with the star left in.
    assert compile_go("(?s).*needle.*").search("x" * 400_000) is None


def test_a_byte_that_is_no_utf8_is_one_character() -> None:
    assert go_text(b"a\xe2\x82\xff") == "a\ufffd\ufffd\ufffd"
    assert compile_go("^a...$").search(go_text(b"a\xe2\x82\xff"))
