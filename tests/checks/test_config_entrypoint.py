"""`config.entrypoint`: the program and its interpreter are there and may run, and SIGTERM arrives."""

from __future__ import annotations

import pytest
from config_images import GROUP, PASSWD, Judge, findings, judge

from pytest_mediaimage.image.build import Item
from pytest_mediaimage.result import Status

__all__ = ["judge"]

PROGRAM = Item("usr/bin/ffmpeg", b"program", mode=0o755)
SHELL = [Item("usr/bin/dash", b"shell", mode=0o755), Item.symlink("bin", "usr/bin"), Item.symlink("usr/bin/sh", "dash")]
BASH = [Item("usr/bin/bash", b"shell", mode=0o755), Item.symlink("bin", "usr/bin"), Item.symlink("usr/bin/sh", "bash")]
ENV = ["PATH=/usr/local/bin:/usr/bin"]


def script(path: str, text: str, mode: int = 0o755) -> Item:
    return Item(path, text.encode(), mode=mode)


STARTABLE = {
    "a path": ([PROGRAM], {"Entrypoint": ["/usr/bin/ffmpeg"]}),
    "on the path": ([PROGRAM], {"Cmd": ["ffmpeg", "-version"], "Env": ENV}),
    "on the default path": ([PROGRAM], {"Cmd": ["ffmpeg"]}),
    "relative": ([PROGRAM], {"Cmd": ["./ffmpeg"], "WorkingDir": "/usr/bin"}),
    "links": ([*SHELL, PROGRAM, Item.symlink("run", "/bin/ffmpeg")], {"Entrypoint": ["/run"]}),
    "a script": ([*SHELL, script("run.sh", "#!/bin/sh -e\nexec ffmpeg\n")], {"Entrypoint": ["/run.sh"]}),
    "env": (
        [*SHELL, PROGRAM, Item("usr/bin/env", b"x", mode=0o755), script("run", "#!/usr/bin/env -S FOO=1 sh\n")],
        {"Entrypoint": ["/run"]},
    ),
    "an inherited one taken back": ([PROGRAM], {"Entrypoint": [""], "Cmd": ["ffmpeg"]}),
    "a shadowing file that isn't executable": (
        [PROGRAM, Item("usr/local/bin/ffmpeg", b"x", mode=0o644)],
        {"Cmd": ["ffmpeg"], "Env": ENV},
    ),
    "tini": ([PROGRAM, Item("tini", b"x", mode=0o755)], {"Entrypoint": ["/tini", "-g", "--"], "Cmd": ["ffmpeg"]}),
    "exec in a shell": ([*SHELL, PROGRAM], {"Cmd": ["/bin/sh", "-c", "umask 0; exec ffmpeg"]}),
    "a single command of bash": ([*BASH, PROGRAM], {"Cmd": ["/bin/sh", "-c", "ffmpeg -i a b"]}),
    "a shell": ([*SHELL], {"Cmd": ["sh"]}),
    "the user's own": (
        [PASSWD, GROUP, Item("opt/run", b"x", mode=0o700, uid=10001), Item.directory("opt", 0o755)],
        {"Entrypoint": ["/opt/run"], "User": "media"},
    ),
}


@pytest.mark.parametrize("name", STARTABLE)
def test_startable(judge: Judge, name: str) -> None:
    items, config = STARTABLE[name]
    result = judge("config.entrypoint", items, **config)
    assert findings(result) == [] and result.status is Status.PASSED and result.measured


BROKEN = {
    "missing": ([PROGRAM], {"Entrypoint": ["/app/ffmpeg"]}, "/app/ffmpeg isn't in the image"),
    "not on the path": (
        [PROGRAM],
        {"Cmd": ["ffprobe"], "Env": ENV},
        "ffprobe isn't in the image on its PATH (/usr/loc",
    ),
    "a directory": ([PROGRAM], {"Entrypoint": ["/usr/bin"]}, "/usr/bin isn't in the image"),
    "a dead link": ([Item.symlink("run", "/gone")], {"Entrypoint": ["/run"]}, "/run isn't in the image"),
    "a shell form without a shell": ([PROGRAM], {"Cmd": ["/bin/sh", "-c", "ffmpeg"]}, "/bin/sh isn't in the image"),
    "not executable": (
        [*SHELL, script("run.sh", "#!/bin/sh\n", 0o644)],
        {"Entrypoint": ["/run.sh"]},
        "/run.sh isn't executable (mode 0644)",
    ),
    "no interpreter": (
        [*SHELL, script("run", "#!/bin/bash\n")],
        {"Entrypoint": ["/run"]},
        "/run is a script for /bin/bash, which the image lacks",
    ),
    "env finds nothing": (
        [Item("usr/bin/env", b"x", mode=0o755), script("run", "#!/usr/bin/env python3\n")],
        {"Entrypoint": ["/run"]},
        "/run is a script for python3, which the image lacks",
    ),
    "a script of a script": (
        [*SHELL, script("outer", "#!/inner\n"), script("inner", "#!/bin/zsh\n")],
        {"Entrypoint": ["/outer"]},
        "/inner is a script for /bin/zsh",
    ),
    "Windows": ([*SHELL, script("run", "#!/bin/sh\r\nexec x\r\n")], {"Entrypoint": ["/run"]}, r"interpreter /bin/sh\r"),
    "behind tini": (
        [Item("tini", b"x", mode=0o755)],
        {"Entrypoint": ["/tini", "--", "/app/run"]},
        "/app/run isn't in the image",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_start_fails(judge: Judge, name: str) -> None:
    items, config, words = BROKEN[name]
    ((severity, message),) = findings(judge("config.entrypoint", items, **config))
    assert severity == "error" and message.startswith("no container can start: ") and words in message


REFUSED = [
    ([PASSWD, GROUP, Item("run", b"x", mode=0o744)], "media", "/run refuses"),
    ([Item.directory("root", 0o700), Item("root/run", b"x", mode=0o755)], "1000", "/root refuses"),
    ([Item("run", b"x", mode=0o654, uid=1000)], "1000:0", "/run refuses"),
]


@pytest.mark.parametrize(("items", "user", "words"), REFUSED)
def test_what_only_its_user_may_not_start_warns(judge: Judge, items: list[Item], user: str, words: str) -> None:
    path = "/" + items[-1].path
    ((severity, message),) = findings(judge("config.entrypoint", items, User=user, Entrypoint=[path]))
    assert severity == "warning" and words in message
    assert findings(judge("config.entrypoint", items, Entrypoint=[path])) == []


@pytest.mark.parametrize("command", ["ffmpeg -i a b", "mkdir -p /tmp/x && ffmpeg -i a b", "executor --run"])
def test_a_shell_that_keeps_the_signal_warns(judge: Judge, command: str) -> None:
    ((severity, message),) = findings(judge("config.entrypoint", SHELL, Cmd=["/bin/sh", "-c", command]))
    assert severity == "warning" and "doesn't hand SIGTERM on" in message


def test_bash_keeps_it_too_where_there_is_more_than_one_command(judge: Judge) -> None:
    result = judge("config.entrypoint", BASH, Cmd=["/bin/bash", "-ec", "ffmpeg -i a b; true"])
    assert findings(result)[0][0] == "warning"


DEAF = 'trap "" TERM INT; ffmpeg "$@"\n'
KEEPING = 'set -e\nmkdir -p /tmp/x\nffmpeg "$@"\n'


@pytest.mark.parametrize("text", [DEAF, KEEPING])
@pytest.mark.parametrize(
    ("line", "config"),
    [
        ("#!/bin/sh", {"Entrypoint": ["/entry.sh"]}),
        ("#!/usr/bin/env sh", {"Entrypoint": ["/entry.sh"], "Cmd": ["-i", "a", "b"]}),
        ("#!/bin/sh", {"Entrypoint": ["/bin/sh", "/entry.sh"]}),
        ("#!/bin/sh", {"Entrypoint": ["sh", "entry.sh"], "WorkingDir": "/"}),
        ("#!/bin/sh", {"Entrypoint": ["/entry.sh"], "StopSignal": "SIGTERM"}),
    ],
)
def test_a_script_that_keeps_the_signal_warns(judge: Judge, text: str, line: str, config: dict[str, object]) -> None:
    items = [*SHELL, PROGRAM, Item("usr/bin/env", b"x", mode=0o755), script("entry.sh", f"{line}\n{text}")]
    (finding,) = judge("config.entrypoint", items, **config).findings
    assert (str(finding.severity), finding.file) == ("warning", "/entry.sh")
    assert ("ignores SIGTERM" if text == DEAF else "neither ends with `exec` nor traps SIGTERM") in finding.message


@pytest.mark.parametrize(
    ("items", "text", "config"),
    [
        (SHELL, '#!/bin/sh\nset -e\nexec ffmpeg "$@"\n', {}),
        (SHELL, "#!/bin/sh\ntrap 'kill -TERM $pid' TERM\nffmpeg & pid=$!\nwait $pid\n", {}),
        (SHELL, "#!/bin/sh\ncp -r /assets /shared\n", {}),
        (SHELL, f"#!/bin/sh\n{KEEPING}", {"Entrypoint": ["/tini", "--", "/entry.sh"]}),
        (SHELL, f"#!/bin/sh\n{KEEPING}", {"StopSignal": "SIGINT"}),
        ([Item("bin/sh", b"x", mode=0o755), Item("bin/ksh", b"x", mode=0o755)], f"#!/bin/ksh\n{KEEPING}", {}),
        (SHELL, "#!/bin/sh\n" + "# a comment\n" * 400 + KEEPING, {}),
    ],
    ids=["exec", "a trap", "a short job", "tini", "another signal", "an unknown shell", "long"],
)
def test_a_script_that_hears_or_can_t_be_told(judge: Judge, items: list[Item], text: str, config: dict[str, object]):
    more = [PROGRAM, Item("tini", b"x", mode=0o755), script("entry.sh", text)]
    assert findings(judge("config.entrypoint", [*items, *more], **{"Entrypoint": ["/entry.sh"], **config})) == []


def test_an_image_that_starts_nothing_skips(judge: Judge) -> None:
    result = judge("config.entrypoint", [PROGRAM])
    assert (result.status, result.reason) == (Status.SKIPPED, "the image names neither an entry point nor a command")


def test_a_misspelt_program_is_told_with_the_one_that_is_there(judge: Judge) -> None:
    tool = Item("usr/bin/ffmpeg", b"\x7fELF", mode=0o755)
    (finding,) = judge("config.entrypoint", [tool], Entrypoint=["/usr/bin/ffmpg"]).findings
    assert finding.fix.startswith("Mend the path in ENTRYPOINT (/usr/bin/ffmpeg is there), or copy")
    (finding,) = judge("config.entrypoint", [tool], Cmd=["/usr/bin/packager"]).findings
    assert finding.fix.startswith("Mend the path in CMD, or copy")
