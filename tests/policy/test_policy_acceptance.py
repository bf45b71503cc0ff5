"""Agreements and accepted reasons in a policy, what is asked of vulnerabilities, and every mistake in them."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from policy_helpers import load

from pytest_mediaimage.errors import PolicyError
from pytest_mediaimage.policy.acceptance import PatentCover

USES = ("encode", "decode", "streaming")
DAY = datetime.date(2027, 6, 30)


def test_what_is_left_out_asks_for_nothing(tmp_path: Path) -> None:
    policy = load(tmp_path, "version: 1\n")
    assert (policy.patents_require, policy.patents_on, policy.patents_data) == ((), ("encode", "decode"), "")
    assert (policy.vulnerabilities_severity, policy.vulnerabilities_fix_available) == ("high", True)
    assert policy.vulnerabilities_scanner == "auto"


def test_covers_are_read(tmp_path: Path) -> None:
    policy = load(
        tmp_path,
        "patents:\n  require: [required, disputed]\n  on: [encode, streaming, device]\n  agreements:\n"
        "    - {codecs: [h264], licensor: Via LA, id: VIA-1, scope: [decode], until: 2027-06-30}\n"
        "    - {codecs: [hevc, vvc], id: AA-1}\n  accepted:\n"
        "    - {codecs: [av1], reason: reviewed, by: legal@example.com, until: 2027-06-30}\n",
    )
    assert policy.patents_on == ("encode", "streaming", "device")
    via, advance = policy.patents_agreements
    assert via == PatentCover(("h264",), ("decode",), DAY, agreement="VIA-1", by="Via LA")
    assert advance == PatentCover(("hevc", "vvc"), USES, None, agreement="AA-1")
    assert policy.patents_accepted == (PatentCover(("av1",), USES, DAY, reason="reviewed", by="legal@example.com"),)
    assert via.covers("h264", "decode") and not via.covers("h264", "encode") and not via.covers("hevc", "decode")
    assert not via.expired(DAY) and via.expired(DAY + datetime.timedelta(days=1)) and not advance.expired(DAY)


def test_what_is_asked_of_vulnerabilities_is_read(tmp_path: Path) -> None:
    policy = load(tmp_path, "vulnerabilities: {severity: critical, fix-available: false, scanner: grype}\n")
    assert (policy.vulnerabilities_severity, policy.vulnerabilities_fix_available) == ("critical", False)
    assert policy.vulnerabilities_scanner == "grype"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("patents:\n  require: [all]\n", 2, "patents.require: 'all' is none of required, disputed, unclear"),
        ("patents:\n  on: [watch]\n", 2, "patents.on: 'watch' is none of encode, decode, streaming, device"),
        ("patents:\n  agreements: {codecs: [h264]}\n", 2, "write a list of entries: [{codecs: [h264], id: VIA-1234}]"),
        ("patents:\n  agreements:\n    - {codecs: [h264], id: A}\n    - {codecs: [h264]}\n", 4, "an entry needs 'id'"),
        ("patents:\n  agreements:\n    - {codecs: h264, id: A}\n", 3, "codecs: 'h264' is no list of codecs"),
        ("patents:\n  agreements:\n    - {codecs: [], id: A}\n", 3, "codecs: [] is no list of codecs"),
        ("patents:\n  agreements:\n    - {codecs: [h264], id: 12}\n", 3, "id: 12 is no text"),
        ("patents:\n  agreements:\n    - {codecs: [h264], id: A, on: [encode]}\n", 3, "has codecs, id, licensor"),
        ("patents:\n  agreements:\n    - {codecs: [h264], id: A, scope: [all]}\n", 3, "scope: ['all'] is no list of"),
        ("patents:\n  agreements:\n    - {codecs: [h264], id: A, until: later}\n", 3, "until: 'later' is no date"),
        ("patents:\n  agreements: [h264]\n", 2, "'h264' is no entry; write {codecs: ..., id: ...}"),
        ("patents:\n  accepted:\n    - {codecs: [h264], reason: r}\n", 3, "an entry needs 'until'"),
        ("patents:\n  accepted:\n    - {codecs: [h264], reason: ' ', until: 2027-01-01}\n", 3, "is no text"),
        ("vulnerabilities:\n  severity: grave\n", 2, "'grave' is none of critical, high, medium"),
        ("vulnerabilities:\n  fix-available: maybe\n", 2, "'maybe' is neither true nor false"),
        ("vulnerabilities:\n  scanner: clair\n", 2, "'clair' is none of auto, grype, trivy, none"),
        ("vulnerabilities:\n  severty: low\n", 2, "unknown key 'severty' in vulnerabilities; did you mean 'severity'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, text)
    assert caught.value.line == line
    assert words in str(caught.value)
