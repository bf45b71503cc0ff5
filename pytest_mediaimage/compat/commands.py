"""Command tests: each in a container of its own, as container-structure-test runs them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from ..checks.context import Context
from ..checks.registry import Function
from ..errors import MediaImageError, UsageError
from ..image.image import Image
from ..result import Finding, Severity, Skip
from ..runtime.base import CommandResult, Container
from .expand import expand, global_env
from .matching import SHOWN, mend, unmatched
from .structure import CommandTest, RunOptions, StructureFile

_TIMEOUT = 600
"""Seconds that a command may take; container-structure-test would wait for ever."""
_ENV_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*[=:]\s*(.*?)\s*")
_NOT_STARTED = (126, 127)


class Unsupported(MediaImageError):
    """What a structure test asks for and no runtime does."""


def command_function(tests: StructureFile, test: CommandTest, directory: Path) -> Function:
    """The check that runs a command test; relative paths in the file are taken from `directory`."""

    def check(context: Context) -> Iterator[Finding]:
        if context.subject.static:
            raise Skip("nothing is started under --media-static")
        options = tests.options
        _refuse_unsupported(tests)
        given = _given_env(options, directory)
        container = _start(context, options)
        try:
            yield from _run(context, tests, test, container, given)
        finally:
            container.close()

    return check


def _refuse_unsupported(tests: StructureFile) -> None:
    if tests.options.unsupported:
        option, line = tests.options.unsupported[0]
        raise Unsupported(
            f"{tests.name}:{line}: containerRunOptions.{option} isn't supported: "
            "a container here has no more rights than the image's user, and nothing of this machine",
            remedy="Keep this test with container-structure-test, or leave the option out.",
        )


def _start(context: Context, options: RunOptions) -> Container:
    subject = context.subject
    if not options.user:
        return subject.new_container()
    runtime = subject.bench.runtime
    if runtime.name != "sandbox":
        raise Unsupported(
            f"containerRunOptions.user isn't supported by the runtime {runtime.name}",
            remedy="Use --media-runtime sandbox.",
        )
    return subject.bench.start(_AsUser(subject.image, options.user))


class _UserConfig:
    """An image's configuration with another user."""

    def __init__(self, image: Image, user: str) -> None:
        self.user = user
        self.env: Mapping[str, str] = image.config.env
        self.working_dir = image.config.working_dir


class _AsUser:
    """An image to be run as another user: what runtime.base.RunnableImage asks for."""

    def __init__(self, image: Image, user: str) -> None:
        self._image = image
        self.name = image.name
        self.digest = image.digest
        self.config_digest = image.config_digest
        self.index_digest = image.index_digest
        self.platform = image.platform
        self.config = _UserConfig(image, user)

    def unpack(self, root: Path) -> None:
        self._image.unpack(root)

    def write_docker_archive(self, out: IO[bytes]) -> None:
        self._image.write_docker_archive(out)


def _run(
    context: Context, tests: StructureFile, test: CommandTest, container: Container, given: Mapping[str, str]
) -> Iterator[Finding]:
    image_env = context.image.config.env
    shared = global_env(tests.global_env, image_env)
    known = {**image_env, **shared}
    own = {pair.key: pair.value for pair in test.env}
    if test.setup:  # a setup gets the values expanded, and leaves them in the image that it makes
        expanded = {key: expand(value, known) for key, value in own.items()}
        for number, setup in enumerate(test.setup, 1):
            done = container.run(setup, timeout=_TIMEOUT, env={**shared, **expanded})
            if reason := _not_started(done):
                yield _failed(tests, test, f"setup command {number} couldn't be started: {reason}")
                return
            if done.exit_code:
                said = done.stderr.strip()[-200:]
                yield Finding(
                    f"setup command {number} ended with exit code {done.exit_code}: {said}",
                    Severity.NOTE,
                    evidence="setup",
                )
        known |= expanded
    argv = [expand(word, known) for word in test.command]
    result = container.run(argv, timeout=_TIMEOUT, env={**shared, **own, **given})
    context.measure(f"exit code {result.exit_code}", budget=f"exit code {test.exit_code}")
    if reason := _not_started(result):
        yield _failed(tests, test, f"{argv[0]} couldn't be started: {reason}")
        return
    for message in _differences(test, result):
        yield _failed(tests, test, message)


def _not_started(result: CommandResult) -> str:
    """Why the runtime couldn't start a program; a program that says so itself has another way to put it."""
    if result.exit_code in _NOT_STARTED and not result.stdout and result.stderr.startswith("exec"):
        return result.stderr.strip()
    return ""


def _differences(test: CommandTest, result: CommandResult) -> Iterator[str]:
    yield from unmatched("on standard error", result.stderr, test.expected_error, test.excluded_error)
    yield from unmatched("in the output", result.stdout, test.expected_output, test.excluded_output)
    if result.exit_code != test.exit_code:
        said = result.stderr.strip()[-SHOWN:]
        yield f"the exit code is {result.exit_code}, expected {test.exit_code}" + (f": {said}" if said else "")


def _failed(tests: StructureFile, test: CommandTest, message: str) -> Finding:
    return Finding(message, evidence=message.partition(": ")[0], fix=mend(tests, test.line))


def _given_env(options: RunOptions, directory: Path) -> dict[str, str]:
    """The variables of the file and of this machine that containerRunOptions names; empty ones aren't passed on."""
    found = dict(_read_env_file(directory / options.env_file)) if options.env_file else {}
    found |= {name: os.environ.get(name, "") for name in options.env}
    return {name: value for name, value in found.items() if value}


def _read_env_file(path: Path) -> Iterable[tuple[str, str]]:
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"containerRunOptions.envFile: {path} can't be read: {error}",
            remedy="Its path is taken from the directory that pytest is started in.",
        ) from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _ENV_LINE.fullmatch(line)
        if match is None or "$" in match[2] or match[2].count('"') % 2 or match[2].count("'") % 2:
            raise UsageError(f"{path}:{number}: {line.strip()[:60]!r} isn't NAME=VALUE in one line without variables")
        found[match[1]] = _unquoted(match[2])
    return found.items()


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
