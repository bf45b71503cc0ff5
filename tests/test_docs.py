"""Options, checks and policy keys: the documentation says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_mediaimage.checks.planning import known_ids, plan
from pytest_mediaimage.checks.transcode.case_values import hints, lacking_of, metrics_of
from pytest_mediaimage.checks.transcode.cases import CASES
from pytest_mediaimage.media import cases
from pytest_mediaimage.media.rules import RULES
from pytest_mediaimage.policy import load_preset
from pytest_mediaimage.policy.schema import KEYS

ROOT = Path(__file__).parents[1]
REFERENCE = (ROOT / "docs" / "reference.md").read_text()


def section(title: str) -> str:
    return REFERENCE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_option_is_in_the_reference_and_in_the_help(pytester: pytest.Pytester) -> None:
    help_text = pytester.runpytest("--help").stdout.str()
    in_help = set(re.findall(r"--media-[a-z-]+", help_text.partition("media image:")[2]))
    assert in_help == set(re.findall(r"^\| `(--media-[a-z-]+)", section("Options"), re.MULTILINE))


def test_every_check_is_in_the_reference_with_its_severity() -> None:
    documented = dict(re.findall(r"^\| `([a-z.0-9-]+)` \| (\w+) \|", section("Checks"), re.MULTILINE))
    policy = load_preset("default", directory=ROOT)
    actual = {p.check.id: str(policy.severity.get(p.check.id, p.check.severity)) for p in plan(policy)}
    cases = {f"transcode.{name}" for name in CASES}
    assert documented == {name: severity for name, severity in actual.items() if name not in cases}
    assert set(documented) == known_ids() - cases
    milder = {name for name in cases & set(actual) if actual[name] != "error"}
    assert milder == {"transcode.timed-id3"} and "| `transcode.CASE` | error |" in REFERENCE


SECTIONS = [
    "What it looks for",
    "Why",
    "Where the rule comes from",
    "How to mend it",
    "What it accepts",
]  # fmt: skip
"""Of the page that each check has; CONTRIBUTING.md says so."""


def test_every_check_has_a_page_and_every_page_a_check() -> None:
    shared = {f"transcode.{name}" for name in CASES}
    assert {page.stem for page in (ROOT / "docs" / "checks").iterdir()} == known_ids() - shared | {"transcode"}


def test_the_page_of_transcodes_lists_the_cases() -> None:
    text = (ROOT / "docs" / "checks" / "transcode.md").read_text()
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)) == set(CASES)


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "checks").iterdir()), ids=lambda page: page.stem)
def test_a_page_has_the_documented_form(page: Path) -> None:
    text = page.read_text()
    prose = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^#{1,6} (.+)$", prose, re.MULTILINE) == [page.stem, *SECTIONS]
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:])
    assert len([line for line in text.splitlines() if not line.startswith("|")]) <= 60  # a table may be long
    for target in re.findall(r"\]\((?!https?:)([^)]*)\)", text):
        assert (page.parent / target).is_file() and "/" not in target, "the wheel carries these pages and no others"


def test_contributing_tells_the_form_of_a_page() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text().partition("## A new check\n")[2].partition("\n## ")[0]
    assert re.findall(r"^    ## (.+)$", told, re.MULTILINE) == SECTIONS


def test_every_policy_key_is_in_the_reference() -> None:
    first_cells = [line.split("|")[1] for line in section("Policy").splitlines() if line.startswith("| `")]
    documented = {name for cell in first_cells for name in re.findall(r"`([a-z_.-]+)`", cell)}
    assert documented == {"version", "extends", *KEYS}


def test_the_reference_has_each_rule_with_its_settings() -> None:
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) ?\|$", section("Rules"), re.MULTILINE)
    told = {name: row for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row[0])}
    assert set(told) == set(RULES)
    limits = {name: set(re.findall(r"`([a-z_0-9]+)`", row[2])) for name, row in told.items()}
    for name, (_, settings, text) in told.items():
        if shared := re.search(r"^those of `([a-z-]+)`", text):
            limits[name] = limits[name] - {shared[1]} | limits[shared[1]]
        fields = set(hints(RULES[name])) - {"thresholds"}
        assert set(re.findall(r"`([a-z_]+)`", settings)) == fields, name
        assert " and ".join(re.findall(r"\*\*`([a-z_]+)`\*\*", settings)) == lacking_of(RULES[name], ())[9:], name
        if "limits" not in fields:
            assert limits[name] == set(metrics_of(RULES[name]).get("thresholds", ())), name


def test_the_reference_names_every_fixture(pytester: pytest.Pytester) -> None:
    offered = pytester.runpytest("--fixtures", "-q").stdout.str()
    for name in re.findall(r"^\| `([a-z_]+)` \|", section("Fixtures"), re.MULTILINE):
        assert re.search(rf"^{name} \[session scope\]", offered, re.MULTILINE), name


def test_the_listed_cases_are_the_packaged_ones() -> None:
    assert set(CASES) == set(cases.CASES)


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_policies_in_the_pages_are_valid(page: str, tmp_path: Path) -> None:
    from pytest_mediaimage.policy import load_policy

    blocks = re.findall(r"(?:^    .*\n|^\n)+", (ROOT / page).read_text(), re.MULTILINE)
    policies = [block for block in blocks if block.strip().startswith("version: 1")]
    assert policies
    for block in policies:
        (tmp_path / "mediaimage.yaml").write_text(re.sub(r"^    ", "", block, flags=re.MULTILINE))
        assert load_policy(tmp_path / "mediaimage.yaml", known_checks=known_ids()).size_compressed == 150_000_000
