"""USER, as Docker resolves it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.errors import UsageError
from pytest_mediaimage.runtime.users import User, resolve_user

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:10001:10002::/home/app:\n# comment\nbroken:line\n1234:x:7:8::/digits:\n"
GROUP = "root:x:0:\nvideo:x:44:app,other\nbad:x:minus\n"


@pytest.mark.parametrize(
    ("spec", "user"),
    [
        ("", User(0, 0, "/root")),
        ("root", User(0, 0, "/root")),
        ("app", User(10001, 10002, "/home/app")),
        ("10001", User(10001, 10002, "/home/app")),
        ("app:video", User(10001, 44, "/home/app")),
        ("app:5", User(10001, 5, "/home/app")),
        ("999", User(999, 0, "/")),
        ("999:998", User(999, 998, "/")),
        (":44", User(0, 44, "/root")),
        ("1234", User(7, 8, "/digits")),
    ],
)
def test_resolves(spec, user):
    assert resolve_user(spec, passwd=PASSWD, group=GROUP) == user


@pytest.mark.parametrize("spec", ["nobody", "app:nogroup", "-1", "99999999999", "2147483648", "broken", "٣"])
def test_unknown(spec):
    with pytest.raises(UsageError, match="isn't in its /etc/"):
        resolve_user(spec, passwd=PASSWD, group=GROUP)


@given(st.text(), st.text(), st.text())
def test_any_text_gives_numbers_or_one_error(spec, passwd, group):
    try:
        user = resolve_user(spec, passwd=passwd, group=group)
    except UsageError:
        return
    assert 0 <= user.uid < 2**31
    assert 0 <= user.gid < 2**31
    assert user.home


@given(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_numbers_need_no_entry(uid, gid):
    assert resolve_user(f"{uid}:{gid}") == User(uid, gid, "/")
