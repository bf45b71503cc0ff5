"""A Linux whose control groups are all of version 2: Debian's User Mode Linux, over this machine's files, read-only.

It is a program, needs neither privileges nor a virtual machine, and is up in two seconds. The package is fetched into
an apt directory of our own and kept in the tests' cache directory.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from . import debian, debs

_BEGIN, _END = "--- the script begins", "--- the script has ended"
_SECONDS = 600
_INIT = """\
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/run TMPDIR=/run
mount -t proc proc /proc
dmesg -n 1
mount -t sysfs sys /sys
mount -t tmpfs run /run
mkdir /dev/shm && mount -t tmpfs memory /dev/shm
mount -t cgroup2 none /sys/fs/cgroup
busybox insmod {overlay}
echo '{begin}'
sh {script} 2>&1
echo '{end}'
busybox poweroff -f
"""


class NoKernel(Exception):
    """This machine lacks what it takes; the text is the reason."""


def run(script: str, folder: Path) -> str:
    """What a shell script prints that root runs in it; it may write in /run. Raises NoKernel.

    `folder` is an empty directory for our files.
    """
    if shutil.which("busybox") is None:
        raise NoKernel("busybox is missing")
    try:
        kernel = debs.kept("user-mode-linux", _fetch)
    except debs.CannotFetch as reason:
        raise NoKernel(str(reason)) from reason
    (folder / "script").write_text(script)
    init = folder / "init"
    overlay = next(kernel.glob("usr/lib/uml/modules/*/kernel/fs/overlayfs/overlay.ko"))
    init.write_text(_INIT.format(overlay=overlay, begin=_BEGIN, end=_END, script=folder / "script"))
    init.chmod(0o755)
    options = [
        "mem=1G",
        "rootfstype=hostfs",
        "rootflags=/",
        "ro",
        f"init={init}",
        "con=null",
        "con0=null,fd:1",
        "quiet",
    ]
    told = folder / "told"
    with told.open("wb") as out:
        process = subprocess.Popen(
            [kernel / "usr/bin/linux.uml", *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={"HOME": str(folder), "TMPDIR": str(folder), "PATH": "/usr/bin:/bin"},
            start_new_session=True,
        )
        try:
            process.wait(_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise NoKernel(f"User Mode Linux doesn't end within {_SECONDS} s") from error
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    _, begun, rest = told.read_text(errors="replace").partition(_BEGIN)
    if not begun:
        raise NoKernel(f"User Mode Linux doesn't start here: {told.read_text(errors='replace')[-400:]}")
    output, ended, _ = rest.partition(_END)
    assert ended, f"it ended too early: {output[-2000:]}"
    return output.replace("\r", "").strip()


def _fetch(folder: Path) -> None:
    debs.unpack(["user-mode-linux"], folder, debian.SUITE)
