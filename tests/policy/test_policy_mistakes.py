"""Every mistake in a policy: one PolicyError with file, line and what to write instead."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from policy_helpers import CHECKS, NAME, load, write

from pytest_mediaimage.errors import PolicyError
from pytest_mediaimage.policy import load_policy
from pytest_mediaimage.policy.schema import KEYS

# name: (text, line, words of the message)
MISTAKES: dict[str, tuple[str, int, str]] = {
    "unknown-key": ("version: 1\nsizes: {compressed: 1MB}\n", 2, "unknown key 'sizes'; did you mean 'size'?"),
    "unknown-key-of-a-block": ("version: 1\nlayer:\n  count: 3\n", 2, "unknown key 'layer'; did you mean 'layers'?"),
    "unknown-key-like-nothing": (
        "version: 1\nzzzz: 1\n",
        2,
        "unknown key 'zzzz'; known: compat, container, contents, extends, ",
    ),
    "unknown-inner-key": (
        "size:\n  unpacked: 1MB\n  compresed: 1MB\n",
        3,
        "unknown key 'compresed' in size; did you mean",
    ),
    "unknown-inner-block": ("size:\n  compresed:\n    a: 1\n", 2, "unknown key 'compresed' in size"),
    "number-as-key": ("1: x\n", 1, "unknown key '1'"),
    "list-as-key": ("? [a, b]\n: 1\n", 1, "a key must be a word"),
    "inner-list-as-key": ("severity:\n  ? {a: b}\n  : error\n", 2, "a key must be a word"),
    "merge-key": ("size: {compressed: 1MB}\nlayers:\n  <<: {count: 1}\n", 3, "'<<' can't be used"),
    "merge-key-in-severity": ("severity:\n  <<: {config.user: note}\n", 2, "'<<' can't be used"),
    "twice": ("version: 1\nsize: {layer: 1MB}\nversion: 1\n", 3, "'version' stands twice (first in line 1)"),
    "twice-inside": (
        "size:\n  layer: 1MB\n  unpacked: 1MB\n  layer: 2MB\n",
        4,
        "'layer' stands twice (first in line 2)",
    ),
    "twice-in-severity": (
        "severity:\n  config.user: note\n  config.user: error\n",
        3,
        "'config.user' stands twice (first in line 2)",
    ),
    "twice-in-an-ignore": (
        "ignore:\n- check: config.user\n  reason: a\n  reason: b\n",
        4,
        "'reason' stands twice (first in line 3)",
    ),
    "section-is-no-mapping": ("version: 1\nsize: 150MB\n", 2, "size must be a mapping"),
    "section-is-a-list": ("size:\n- compressed\n", 2, "size must be a mapping"),
    "section-is-empty": ("version: 1\nsize:\n", 2, "size must be a mapping"),
    "policy-is-a-list": ("- size\n", 1, "a policy must be a mapping"),
    "policy-is-a-word": ("\n\nhello\n", 3, "a policy must be a mapping"),
    "version": ("# one\nversion: 2\n", 2, "version: 2 isn't known; write version: 1"),
    "version-as-text": ("version: '1'\n", 1, "version: '1' isn't known"),
    "version-true": ("version: yes\n", 1, "version: True isn't known"),
    "version-with-a-point": ("version: 1.0\n", 1, "version: 1.0 isn't known"),
    "extends-number": ("extends: 3\n", 1, "is neither the name of a preset nor a path"),
    "extends-list": ("extends: [default]\n", 1, "is neither the name of a preset nor a path"),
    "extends-nothing": ("extends: ''\n", 1, "is neither the name of a preset nor a path"),
    "extends-unknown": ("version: 1\nextends: strickt\n", 2, "extends: 'strickt' is neither a preset (default"),
    "extends-too-long": (f"extends: {'x' * 300}\n", 1, "is neither a preset"),
    "extends-a-nul": ('extends: "a\\0b"\n', 1, "is neither a preset"),
    "extends-a-folder": ("extends: ..\n", 1, "is neither a preset"),
    "pinned": ("image: {pinned: maybe}\n", 1, "image.pinned: 'maybe' is neither true nor false"),
    "pinned-number": ("image: {pinned: 1}\n", 1, "image.pinned: 1 is neither true nor false"),
    "size-without-unit": ("size:\n  layer: a lot\n", 2, "size.layer: 'a lot' is no size; write 150MB"),
    "size-wrong-unit": ("size: {layer: 150Mb}\n", 1, "size.layer: '150Mb' is no size"),
    "size-half-unit": ("size: {layer: 1kiB}\n", 1, "size.layer: '1kiB' is no size"),
    "size-negative": ("size: {layer: -1}\n", 1, "size.layer: -1 is no size"),
    "size-fraction": ("size: {layer: 1.5}\n", 1, "size.layer: 1.5 is no size"),
    "size-infinite": ("size: {layer: .inf}\n", 1, "size.layer: inf is no size"),
    "size-true": ("size: {layer: true}\n", 1, "size.layer: True is no size"),
    "size-null": ("size: {layer: null}\n", 1, "size.layer: None is no size"),
    "size-without-end": (f"size: {{layer: {'9' * 400}MB}}\n", 1, "size.layer: '999"),
    "size-too-large": ("size: {layer: 99999999999GB}\n", 1, "size.layer: '99999999999GB' is no size"),
    "size-number-too-large": ("size: {layer: 0x" + "f" * 5000 + "}\n", 1, "size.layer: a number"),
    "number-too-long": ("size: {layer: " + "9" * 5000 + "}\n", 1, "size.layer: "),
    "version-too-long": ("version: 0x" + "f" * 5000 + "\n", 1, "version: a number"),
    "size-other-digits": ("size: {layer: ٣MB}\n", 1, "size.layer: '٣MB' is no size"),
    "count-zero": ("layers: {count: 0}\n", 1, "layers.count: 0 is no count; write a whole number above 0"),
    "count-text": ("layers: {count: few}\n", 1, "layers.count: 'few' is no count"),
    "count-true": ("layers: {count: true}\n", 1, "layers.count: True is no count"),
    "waste-number": ("layers: {waste: 5}\n", 1, "layers.waste: 5 is no percentage; write 5%"),
    "waste-over-all": ("layers: {waste: 101%}\n", 1, "layers.waste: '101%' is no percentage"),
    "waste-negative": ("layers: {waste: -1%}\n", 1, "layers.waste: '-1%' is no percentage"),
    "list-is-text": ("ffmpeg:\n  encoders: libx264\n", 2, "ffmpeg.encoders: 'libx264' is no list; write [one, two]"),
    "list-of-numbers": (
        "ffmpeg:\n  encoders:\n  - libx264\n  - 264\n  - aac\n",
        4,
        "ffmpeg.encoders: 264 is no text",
    ),
    "list-with-nothing": ("contents: {allow: [/a, '']}\n", 1, "contents.allow: '' is no text"),
    "nonfree": ("license: {nonfree: perhaps}\n", 1, "license.nonfree: 'perhaps' is none of deny, allow"),
    "license-number": ("license: {max: 3}\n", 1, "license.max: 3 is no text"),
    "path-word": (
        "transcode:\n  paths:\n    cpu: required\n    nvenc: always\n",
        4,
        "'always' is none of required, if-present",
    ),
    "paths-list": ("transcode: {paths: [cpu]}\n", 1, "transcode.paths: ['cpu'] is no mapping"),
    "severity-word": (
        "severity:\n  config.user: note\n  license.patents: fatal\n",
        3,
        "severity: 'fatal' is no severity; write error, warning or note",
    ),
    "severity-list": ("severity: [config.user]\n", 1, "severity: ['config.user'] is no mapping"),
    "severity-number-key": ("severity: {1: note}\n", 1, "is no mapping; write {name: value}"),
    "severity-unknown-check": (
        "severity:\n  config.user: note\n  config.usr: error\n",
        3,
        "severity: unknown check 'config.usr'; did you mean 'config.user'?",
    ),
    "required-unknown-check": ("required:\n- size.layer\n- size.lair\n", 3, "required: unknown check 'size.lair'"),
    "ignore-unknown-check": (
        "ignore:\n- {check: size.layer, reason: a}\n- {check: size.lair, reason: b}\n",
        3,
        "ignore: unknown check 'size.lair'; did you mean 'size.layer'?",
    ),
    "ignore-mapping": ("ignore: {check: size.layer}\n", 1, "ignore: write a list of entries"),
    "ignore-word": ("ignore:\n- size.layer\n", 2, "ignore: 'size.layer' is no mapping"),
    "ignore-without-reason": ("ignore:\n- {check: size.layer}\n", 2, "ignore: an entry needs 'reason'"),
    "ignore-blank-reason": ("ignore:\n- {check: size.layer, reason: ' '}\n", 2, "ignore: an entry needs 'reason'"),
    "ignore-without-check": ("ignore:\n- {reason: x}\n", 2, "ignore: an entry needs 'check'"),
    "ignore-unknown-key": (
        "ignore:\n- {check: size.layer, reason: x}\n- {check: size.layer, reason: x, file: /x}\n",
        3,
        "ignore: unknown key 'file'; an entry has check, path, evidence, reason and until",
    ),
    "ignore-date-text": (
        "ignore:\n- {check: size.layer, reason: x, until: soon}\n",
        2,
        "until: 'soon' is no date; write 2027-01-31",
    ),
    "ignore-date-with-time": (
        "ignore:\n- {check: size.layer, reason: x, until: 2027-01-01 10:00:00}\n",
        2,
        "is no date",
    ),
    "ignore-impossible-date": (
        "ignore:\n- {check: size.layer, reason: x}\n- {check: size.layer, reason: x, until: 2027-02-30}\n",
        3,
        "ignore: day is out of range for month",
    ),
    "ignore-path-number": ("ignore:\n- {check: size.layer, reason: x, path: 7}\n", 2, "ignore: 7 is no text"),
    "severity-pattern": ("severity: {'size.*': note}\n", 1, "severity: unknown check 'size.*'"),
    "required-pattern-of-nothing": ("required: [size.layer, 'sise.*']\n", 1, "required: unknown check 'sise.*'"),
    "ignore-pattern-of-nothing": ("ignore:\n- {check: 'sise.*', reason: x}\n", 2, "ignore: unknown check 'sise.*'"),
    "ignore-glob-without-end": (
        "ignore:\n- {check: size.layer, reason: x}\n- {check: size.layer, reason: x, path: '/a/[b'}\n",
        3,
        "ignore: '/a/[b' has a [ without its ]; write [[] for the character itself",
    ),
    "allow-glob-without-end": ("contents:\n  allow: [/ok, '/a[]b']\n", 2, "'/a[]b' has a [ without its ]"),
    "allow-relative": ("contents: {allow: [usr/share/x.wav]}\n", 1, "paths in an image begin with a slash"),
    "layer-over-total": (
        "size:\n  unpacked: 400MB\n  layer: 500MB\n",
        3,
        "size.layer allows 500000000 bytes, more than the 400000000 of size.unpacked (line 2)",
    ),
    "compressed-over-unpacked": (
        "size:\n  compressed: 400MB\n  unpacked: 150MB\n",
        2,
        "size.compressed allows 400000000 bytes, more than the 150000000 of size.unpacked (line 3)",
    ),
    "path-over-total": (
        "size:\n  unpacked: 1MB\n  paths: {/app: 2MB}\n",
        3,
        "size.paths: '/app' allows 2000000 bytes, more than the 1000000 of size.unpacked",
    ),
    "path-over-outer-path": (
        "size: {paths: {/app: 2MB, /app/bin: 3MB, /apples: 4MB}}\n",
        1,
        "size.paths: '/app/bin' allows 3000000 bytes, more than the 2000000 of '/app'",
    ),
    "path-required-without-case": (
        "transcode:\n  cases: []\n  paths: {cpu: required}\n",
        2,
        "transcode.cases: none is run, and transcode.paths requires a path (line 3)",
    ),
    "not-yaml": ("size: {layer: 1MB\nversion: 1\n", 2, "no valid YAML"),
    "tab": ("size:\n\tlayer: 1MB\n", 2, "no valid YAML"),
    "unclosed-quote": ("version: 1\nextends: 'default\n", 3, "no valid YAML"),
    "two-documents": ("version: 1\n---\nversion: 1\n", 2, "no valid YAML"),
    "unknown-alias": ("version: 1\nextends: *other\n", 2, "no valid YAML: found undefined alias"),
    "python-object": ("version: 1\nextends: !!python/object/apply:os.getcwd []\n", 2, "no valid YAML"),
    "own-tag": ("extends: !include other.yaml\n", 1, "no valid YAML"),
    "itself": ("ffmpeg:\n  encoders: &a [*a]\n", 2, "no valid YAML: found unconstructable recursive node"),
    "tag-int": ("layers: {count: !!int few}\n", 1, "layers.count: "),
    "tag-empty-int": ("layers: {count: !!int ''}\n", 1, "layers.count: "),
    "tag-bool": ("image: {pinned: !!bool perhaps}\n", 1, "image.pinned: "),
    "tag-float": ("layers: {waste: !!float x}\n", 1, "layers.waste: "),
    "tag-timestamp": ("extends: !!timestamp x\n", 1, "extends: "),
    "binary-digits": ("version: 0b_\n", 1, "version: "),
    "control-character": ("version: 1\nextends: a\x07b\n", 2, "no valid YAML"),
    "escape-code": ("version: 1\n\x1b[31m\n", 2, "no valid YAML"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str, tmp_path: Path) -> None:
    text, line, words = MISTAKES[name]
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, text)
    error = caught.value
    assert error.message.startswith(f"{tmp_path / NAME}:{line}: "), error
    assert words in error.message
    assert (str(error.file), error.line) == (str(tmp_path / NAME), line)
    assert len(str(error)) < 700


def test_every_key_is_checked() -> None:
    """What no key takes: a mapping in a list in a list."""
    for name, key in KEYS.items():
        with pytest.raises(ValueError, match=r".") as caught:
            key.parse([[{"a": 1}]])
        assert len(str(caught.value)) < 200, name


def test_empty(tmp_path: Path) -> None:
    for text in ("", "\n\n", "# only a comment\n", "---\n"):
        with pytest.raises(PolicyError) as caught:
            load(tmp_path, text)
        assert str(tmp_path / NAME) in caught.value.message


def test_mistake_in_an_extended_file(tmp_path: Path) -> None:
    """It is told where it stands."""
    write(tmp_path, "version: 1\nsize:\n  layer: big\n", "base.yaml")
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, "version: 1\nextends: base.yaml\n")
    assert caught.value.message.startswith(f"{tmp_path / 'base.yaml'}:3: size.layer")


@pytest.mark.parametrize("links", [1, 2, 3])
def test_policies_that_extend_each_other(links: int, tmp_path: Path) -> None:
    for number in range(links):
        write(tmp_path, f"version: 1\nextends: p{(number + 1) % links}.yaml\n", f"p{number}.yaml")
    with pytest.raises(PolicyError, match=r"p\d.yaml:2: extends is more than 8 deep") as caught:
        load_policy(tmp_path / "p0.yaml")
    assert caught.value.line == 2


def test_unreadable(tmp_path: Path) -> None:
    for path, word in {
        tmp_path / "none.yaml": "No such file",
        tmp_path: "Is a directory",
        tmp_path / ("n" * 300): "File name too long",
        write(tmp_path, "") / "x": "Not a directory",
    }.items():
        with pytest.raises(PolicyError, match=word) as caught:
            load_policy(path)
        assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00",
        b"\x00" * 1000,
        b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 20,
        bytes(range(256)),
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"version: 1\n" + b"\xc3\x28",
        "version: 1".encode("utf-16") + b"\x00",
        b"\xef\xbb\xbf\xff",
    ],
    ids=lambda data: repr(data[:6]),
)
def test_binary_garbage(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, data)
    assert str(caught.value).startswith(str(tmp_path / NAME))
    assert len(str(caught.value)) < 400


def test_utf16_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        assert load(tmp_path, "version: 1\nlayers: {count: 7}\n".encode(encoding)).layers_count == 7


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a" * 250_001, "larger than 250000 bytes"),
        (b"# comment\n" * 200_000, "larger than 250000 bytes"),
        (b"[" * 200_000, "nested too deep"),
        (b"{a: " * 50_000, "nested too deep"),
        (b"- " * 100_000, "nested too deep"),
        (b"size:\n " + b"- " * 100_000, "nested too deep"),
        (b"required: " + b"[" * 100_000, "nested too deep"),
        (b"'" + b"a" * 240_000, "no valid YAML"),
        (b"a" * 240_000 + b": 1", "no valid YAML"),
        (b'? "' + b"a" * 240_000 + b'"\n: 1', "unknown key"),
        (b"required: {" + b",".join(b"k%d: v" % n for n in range(20_000)) + b"}", "is no list"),
    ],
    ids=lambda value: repr(value[:9]),
)
def test_huge_or_deep(data: bytes, words: str, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, data)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400
    assert time.monotonic() - started < 30


def bomb(start: str, joint: str, levels: int = 12) -> str:
    """Each line means the one before ten times: 10^12 words when written out."""
    lines = [start]
    for level in range(1, levels):
        lines.append(joint.format(new=f"l{level}", old=", ".join([f"*l{level - 1}"] * 10)))
    return "\n".join(lines) + "\n"


BOMBS = {
    "values": "ffmpeg:\n  encoders:\n" + bomb("  - &l0 [lol, lol]", "  - &{new} [{old}]"),
    "version": "version:\n" + bomb("- &l0 [lol]", "- &{new} [{old}]"),
    "unknown": bomb("a: &l0 [lol]", "k{new}: &{new} [{old}]"),
    "keys": "severity:\n  x: [\n" + bomb("&l0 [lol],", "&{new} [{old}],") + "]\n  ? *l11\n  : error\n",
    "merges": "severity:\n" + bomb("  a: &l0 {x: 1}", "  {new}: &{new} {{<<: [{old}]}}"),
    "mappings": "severity:\n" + bomb("  a: &l0 {x: 1}", "  {new}: &{new} {{a: [{old}]}}"),
    "ignore": "ignore:\n" + bomb("- &l0 {check: x}", "- &{new} {{check: [{old}]}}"),
    "size": "size:\n  layer:\n" + bomb("  - &l0 [lol]", "  - &{new} [{old}]"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_alias_bombs_stay_bounded(name: str, tmp_path: Path) -> None:
    started = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(PolicyError) as caught:
            load(tmp_path, BOMBS[name])
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
    assert time.monotonic() - started < 5
    lines = str(caught.value).splitlines()
    assert len(lines) <= 11 and max(map(len, lines)) < 600
    assert caught.value.line is not None


FRAGMENTS = [
    *(f"{name.partition('.')[0]}:" for name in KEYS),
    *(f" {name.rpartition('.')[2]}:" for name in KEYS),
    "version: 1",
    "extends: default",
    "extends: mediaimage.yaml",
    "{",
    "}",
    "[",
    "]",
    ",",
    "- ",
    "? ",
    ": ",
    "&a ",
    "*a",
    "<<: *a",
    "\n",
    "  ",
    "'",
    '"',
    "|",
    ">",
    "---",
    "!!int ",
    "!!timestamp ",
    "!!set ",
    "!!omap ",
    "!!binary ",
    "%YAML 1.2",
    "2027-13-45",
    "150MB",
    "1kiB",
    "5%",
    "0x",
    "0b_",
    ".nan",
    "1:99:99",
    "-.inf",
    "true",
    "null",
    "error",
    "size.layer",
    "#",
]


@given(
    st.one_of(
        st.text(),
        st.binary(),
        st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join),
        st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("\n".join),
    )
)
@example("required: {? [] : 1}")
@example("%YAML 9.9\n---\nversion: 1\n")
@example("size: {layer: !!float '1_'}")
@example("size: {layer: 1:99:99}")
@example("severity: !!set {a, b}")
@example("ignore: !!pairs [a: b]")
@settings(max_examples=500, deadline=None)
def test_any_text(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    """A policy, or PolicyError; never anything else."""
    folder = tmp_path_factory.getbasetemp()
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    try:
        load_policy(write(folder, data), known_checks=CHECKS)
    except PolicyError as error:
        assert str(error).startswith(str(folder / NAME))


@given(
    st.sampled_from(sorted(KEYS)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    ),
)
@settings(max_examples=400, deadline=None)
def test_any_value(name: str, value: object) -> None:
    """A setting takes a value or raises ValueError, in a message of bounded length."""
    try:
        KEYS[name].parse(value)
    except ValueError as error:
        assert len(str(error)) < 300


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = (
        "version: 1\nlayers: 5\nsize:\n  compresed: 1MB\n  unpacked: many\nseverity:\n  config.usr: error\n"
        "  transcode.mine: note\ntranscode: {cases: 7}\n"
    )
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, text)
    lines = str(caught.value).splitlines()
    assert [line.partition("mediaimage.yaml:")[2].partition(":")[0] for line in lines] == ["2", "4", "5", "7", "9"]
    assert caught.value.line == 2 and "did you mean 'compressed'?" in lines[1] and "config.usr" in lines[3]


def test_of_very_many_mistakes_ten_are_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load(tmp_path, "version: 1\n" + "".join(f"key{number}: 1\n" for number in range(14)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 11 and lines[-1] == "and 4 more mistakes"
