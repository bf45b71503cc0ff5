"""What a user can do with the sandbox, as a program: `sandbox_story.py CACHE`; it ends with 0, or with a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

from tiny_images import shell_image

from pytest_mediaimage.errors import CommandTimeout
from pytest_mediaimage.runtime.sandbox import SandboxRuntime


def tell(cache: Path) -> None:
    runtime = SandboxRuntime(cache)
    work = cache / "work"
    work.mkdir()
    for user in ("0", "10001"):
        container = runtime.start(shell_image(user=user, working_dir="/made"), work=work)
        assert container.run(["id", "-u"]).stdout == f"{user}\n"
        assert container.run(["id", "-g"]).stdout == "0\n"
        assert container.run(["sh", "-c", "pwd; echo a > /tmp/a; echo b > b; mkdir /etc/new"]).stdout == "/made\n"
        container.copy_in(Path(__file__), "/in/story")
        assert container.run(["cat", "/in/story"]).stdout == Path(__file__).read_text()
        assert container.run(["sh", "-c", "echo more >> /in/story; echo > /in/beside"]).exit_code == 0
        container.copy_out("/made/b", cache / "b")
        assert (cache / "b").read_text() == "b\n"
        try:
            container.run(["sh", "-c", "setsid sleep 1006 & sleep 1006"], timeout=0.5)
        except CommandTimeout:
            pass
        else:
            raise AssertionError("no time-out")
        assert "sleep" not in container.run(["sh", "-c", "cat /proc/[0-9]*/comm"]).stdout.replace("cat", "")
        container.close()
        assert list(work.iterdir()) == []
    for name, capability in runtime.capabilities().items():
        print(name, capability.available, capability.reason)  # noqa: T201


if __name__ == "__main__":
    tell(Path(sys.argv[1]))
