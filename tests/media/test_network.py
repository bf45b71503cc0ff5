"""HTTPS with a private CA, on this machine's loopback: what is right passes, and each fault is made for real."""

from __future__ import annotations

import datetime
import socket
import ssl
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from case_runs import problems, skip_if_lacking

from pytest_mediaimage.checks.transcode.running import Job, Transcoded, TranscodeFailed, transcode
from pytest_mediaimage.media import samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.cases import CASES, certificates
from pytest_mediaimage.media.recipe import Recipe
from pytest_mediaimage.runtime.base import CommandResult

GOOD, UNKNOWN = CASES["https-private-ca"], CASES["https-unknown-ca"]


class Here:
    """This machine as a container, for programs that are trusted: its package folder lies below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.started = threading.Event()

    def run(self, argv, *, timeout=60, env=None, working_dir=None, watch=None) -> CommandResult:
        words = [str(self._root) + word if word.startswith("/.pytest-mediaimage/") else word for word in argv]
        self.started.set()
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)
        return CommandResult(tuple(argv), done.returncode, done.stdout, done.stderr, 1.0)

    def written(self, folder: str) -> int:
        return 0

    def copy_in(self, source: Path, target: str) -> None:
        path = Path(str(self._root) + target)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())

    def copy_out(self, source: str, target: Path) -> None:
        target.write_bytes(Path(str(self._root) + source).read_bytes())


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def fetch(tmp_path: Path, port: int):
    def run(case: Case, program: str, **texts: str) -> Transcoded:
        skip_if_lacking(case, program)
        assert case.server is not None
        client, server = (
            Recipe(tuple(word.replace(":8443", f":{port}") for word in recipe.argv))
            for recipe in (case.recipe, case.server)
        )
        into = tmp_path / "out"
        into.mkdir()
        written = {**case.texts, **texts}
        job = Job(client, samples.sample(case.sample), case.outputs, texts=written, fails=case.fails, server=server)
        return transcode(Here(tmp_path / "root"), program, job, into)  # type: ignore[arg-type]

    return run


def test_the_private_ca_is_accepted(any_ffmpeg: str, fetch) -> None:
    assert problems(GOOD, fetch(GOOD, any_ffmpeg).made) == ""


def test_another_ca_is_refused(any_ffmpeg: str, fetch) -> None:
    result = fetch(UNKNOWN, any_ffmpeg)
    assert result.command.exit_code != 0 and problems(UNKNOWN, result.made) == ""


def test_who_doesn_t_verify_is_told(static_ffmpeg: str, fetch) -> None:
    argv = list(UNKNOWN.recipe.argv)
    argv[argv.index("-tls_verify") + 1] = "0"
    careless = replace(UNKNOWN, recipe=Recipe(tuple(argv)))
    told = problems(careless, fetch(careless, static_ffmpeg).made)
    assert told == "the command ended with exit code 0, though no CA that it knows signed the server's certificate"


def test_a_server_that_never_listens_is_told_with_its_words(static_ffmpeg: str, fetch) -> None:
    with pytest.raises(TranscodeFailed) as caught:
        fetch(GOOD, static_ffmpeg, **{"server.key": "no key"})
    assert "the server beside it ended with exit code" in str(caught.value)


def test_the_certificates_are_for_loopback_and_don_t_expire_soon(tmp_path: Path) -> None:
    for name, text in (("ca", certificates.CA), ("other", certificates.OTHER_CA), ("server", certificates.SERVER)):
        (tmp_path / name).write_text(text)
        decoded = ssl._ssl._test_decode_cert(str(tmp_path / name))  # type: ignore[attr-defined]
        ends = datetime.datetime.strptime(decoded["notAfter"], "%b %d %H:%M:%S %Y %Z")
        assert ends.year == 9999
        if name == "server":
            assert ("IP Address", "127.0.0.1") in decoded["subjectAltName"]
    assert "BEGIN" not in Path(certificates.__file__).read_text().replace("{'BEGIN'}", "")
