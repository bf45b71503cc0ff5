"""What small shell scripts do with SIGTERM, as far as their text tells surely."""

from __future__ import annotations

import pytest

from pytest_mediaimage.image.analysers.shell_scripts import ShellScripts
from pytest_mediaimage.image.entries import FILE, Entry


def fact(text: str, path: str = "entry.sh", shell: str = "#!/bin/sh") -> str | None:
    data = f"{shell}\n{text}\n".encode()
    entry = Entry(path, FILE, len(data), mode=0o755)
    watcher = ShellScripts().watch(entry, data[:4096])
    return watcher.finish() if watcher else None


IGNORING = [
    'trap "" TERM INT; ffmpeg "$@"',
    "trap '' 15\nffmpeg \"$@\"",
    "trap -- '' SIGTERM # so\nmain() {\n  ffmpeg\n}\nmain",
    "trap cleanup EXIT\ntrap '' INT TERM\nffmpeg",
]
KEEPING = [
    'ffmpeg "$@"',
    "set -e\nmkdir -p /tmp/x\n/usr/bin/ffmpeg -i \\\n  a b",
    '#!x exec\n"$@"',
    'exec >/log 2>&1\numask 0; ffmpeg "$@"',
    'FOO=1 ffmpeg "$@" | tee log',
    "ffmpeg -i a b &\nwait",
    "python3 /app/worker.py\nexit $?",
    "tini -- ffmpeg",
]
UNSURE = [
    'exec ffmpeg "$@"',
    'if [ "$1" ]; then exec "$@"; fi\nffmpeg',
    '[ -x /x ] && exec "$@"\nffmpeg',
    'trap "" TERM\nexec ffmpeg "$@"',
    "trap 'kill -TERM $pid' TERM\nffmpeg & pid=$!\nwait",
    'trap "" TERM\ntrap stop TERM\nffmpeg',
    'trap "" TERM\ntrap - TERM\nffmpeg',
    "trap cleanup EXIT\nffmpeg",
    '( trap "" TERM; x )\nffmpeg',
    'ignore() {\n  trap "" TERM\n}\nffmpeg',
    "trap '' INT\nffmpeg",
    ". /lib.sh\nffmpeg",
    'eval "$RUN"',
    "cat <<END\nffmpeg\nEND\nffmpeg",
    "$RUN ffmpeg",
    "echo 'ready; ffmpeg starts'",
    "mkdir -p /x && cp -r /assets /x",
    "ffmpeg -i a b &",
    "start() {\n  ffmpeg\n}\nstart",
    'run="exec"; $run ffmpeg',
]


@pytest.mark.parametrize("text", IGNORING)
def test_a_trap_that_ignores_it(text: str) -> None:
    assert fact(text) == "ignores"


@pytest.mark.parametrize("text", KEEPING)
def test_a_program_that_is_a_child_of_the_shell(text: str) -> None:
    assert (fact(text) or "").split()[0] == "keeps"


@pytest.mark.parametrize("text", UNSURE)
def test_what_hands_it_on_or_can_t_be_told(text: str) -> None:
    assert fact(text) is None


def test_an_ffmpeg_that_is_called_is_named() -> None:
    text = (
        'case "$*" in *x*) exec /opt/ffmpeg.real -an "$@";; esac\nexec "/opt/ffmpeg.real" "$@"; $HOME/ffmpeg /bin/env'
    )
    assert fact(text, "usr/bin/ffmpeg") == "unknown /opt/ffmpeg.real"


@pytest.mark.parametrize(
    ("shell", "path", "told"),
    [
        ("#!/bin/bash -e", "run", True),
        ("#! /usr/bin/env bash", "run", True),
        ("#!/usr/bin/python3", "run", False),
        ("#!/usr/bin/fish", "run", False),
        ("#!/bin/sh", "var/lib/dpkg/info/x.postinst", False),
    ],
)
def test_only_scripts_of_a_shell_are_read(shell: str, path: str, told: bool) -> None:
    assert (fact("ffmpeg", path, shell) is not None) is told


def test_a_long_script_is_not_judged() -> None:
    assert fact("# " + "x" * 5000 + "\nffmpeg") is None
