"""`config.user`: root warns, a user that the image doesn't have fails, and numbers need no entry."""

from __future__ import annotations

import pytest
from config_images import GROUP, PASSWD, Judge, findings, judge

from pytest_mediaimage.image.build import Item
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge"]


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:root", "toor", "00", "0:10001"])
def test_root_is_a_warning(judge: Judge, user: str) -> None:
    result = judge("config.user", [PASSWD, GROUP], User=user)
    ((severity, message),) = findings(result)
    assert (severity, result.status) == ("warning", Status.PASSED)
    assert message.startswith("processes run as root: ")
    assert result.measured == (user or "root (not set)")


def test_a_name_of_uid_0_is_said_to_be_root(judge: Judge) -> None:
    ((_, message),) = findings(judge("config.user", [PASSWD, GROUP], User="toor"))
    assert message == "processes run as root: the user is 'toor' (uid 0: toor)"


def test_root_fails_where_the_policy_says_so(judge: Judge) -> None:
    severity = {"config.user": Severity.ERROR}
    assert judge("config.user", [PASSWD, GROUP], User="root", severity=severity).status is Status.FAILED
    severity = {"config.user": Severity.NOTE}
    assert findings(judge("config.user", [PASSWD, GROUP], severity=severity))[0][0] == "note"


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("nobody", "the user 'nobody', whom the image's /etc/passwd doesn't name"),
        ("media:render", "the group 'render', which the image's /etc/group doesn't name"),
        ("4294967294", "the number 4294967294, above 2147483647"),
        ("²", "the user '²'"),
    ],
)
def test_a_user_that_the_image_lacks_fails(judge: Judge, user: str, words: str) -> None:
    result = judge("config.user", [PASSWD, GROUP], User=user)
    ((severity, message),) = findings(result)
    assert severity == "error" and "no container can start" in message and words in message


def test_a_name_in_an_image_without_accounts_fails(judge: Judge) -> None:
    assert judge("config.user", [Item("app", b"x")], User="root").status is Status.FAILED


@pytest.mark.parametrize("user", ["10001", "10001:10001", "65532:0", "99999", "10001:44"])
def test_numbers_need_no_account(judge: Judge, user: str) -> None:
    assert findings(judge("config.user", [Item("app", b"x")], User=user)) == []


def test_a_name_is_a_note_for_kubernetes(judge: Judge) -> None:
    ((severity, message),) = findings(judge("config.user", [PASSWD, GROUP], User="media:video"))
    assert severity == "note" and "runAsNonRoot" in message


def test_accounts_are_found_behind_a_link_out_of_etc(judge: Judge) -> None:
    """As in images made by Nix; what isn't kept by name is read from the layer."""
    account = b"app:x:7:7::/:/bin/sh\n"
    items = [
        Item("nix/store/abc-accounts/passwd", account),
        Item.symlink("etc/passwd", "/nix/store/abc-accounts/passwd"),
    ]
    assert judge("config.user", items, User="app").status is Status.PASSED


def test_the_last_layers_accounts_count(judge: Judge) -> None:
    from pytest_mediaimage.image.build import layer

    layers = [layer([PASSWD, GROUP]), layer([Item("etc/passwd", b"root:x:0:0::/:/bin/sh\n")])]
    assert judge("config.user", layers, User="media").status is Status.FAILED
