"""The hooks of a run that has an image: registered by `plugin` only then."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from .compat_items import collect_foreign, collect_named, is_argument
from .errors import EnvironmentFault, MediaImageError, UsageError
from .instead import list_checks, start_policy
from .items import (
    CheckItem,
    collect_checks,
    following,
    is_policy_argument,
    subjects_that_want_an_sbom,
    subjects_with_checks,
    tell_why_once,
)
from .result import Result, Skip, Status
from .session import (
    EXIT_ENVIRONMENT,
    MediaSession,
    Options,
    find_sample,
    report_failure,
)

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

session_key: pytest.StashKey[MediaSession] = pytest.StashKey()
"""Where fixtures find the session of a run that has an image."""


def options_of(config: pytest.Config) -> Options:
    """The plugin's options, paths resolved against the directory pytest was started in."""

    def path(text: str | None) -> Path | None:
        return config.invocation_params.dir / Path(text).expanduser() if text else None

    return Options(
        images=tuple(config.getoption("media_image")),
        root=config.rootpath,
        directory=config.invocation_params.dir,
        platforms=tuple(config.getoption("media_platform")),
        policy=path(config.getoption("media_policy")),
        runtime=config.getoption("media_runtime"),
        baseline=config.getoption("media_baseline") or "",
        hardware=tuple(filter(None, (name.strip() for name in config.getoption("media_hardware").split(",")))),
        static=config.getoption("media_static"),
        update_golden=config.getoption("media_update_golden"),
        known=path(config.getoption("media_known")),
        update_known=config.getoption("media_update_known"),
        reports=tuple(config.getoption("media_report")),
        vulnerabilities=path(config.getoption("media_vulnerabilities")),
        keep=path(config.getoption("media_keep")),
        cache=path(config.getoption("media_cache")),
        workers=int(getattr(config, "workerinput", {}).get("workercount", 1)),
    )


def sample_finder(config: pytest.Config) -> Callable[[str], Path]:
    """Gives samples by name, for the fixture `sample_media`, which needs no image."""
    return partial(find_sample, cache=options_of(config).cache)


def with_own_checks(config: pytest.Config, options: Options) -> Options:
    """The options with what the hooks pytest_mediaimage_checks return. Raises UsageError where one of them breaks."""
    try:
        return replace(options, registered=config.hook.pytest_mediaimage_checks(config=config))
    except Exception as error:
        raise UsageError(
            f"a hook pytest_mediaimage_checks broke: {type(error).__name__}: {error}",
            remedy="Mend it in the conftest.py or plugin that implements it.",
        ) from error


def print_checks(config: pytest.Config) -> int:
    """Print the checks with their severities by the policy in force, for --media-checks."""
    try:
        print(list_checks(with_own_checks(config, options_of(config))))  # noqa: T201
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    return 0


def write_first_policy(config: pytest.Config) -> int:
    """Write a policy from the image at hand, for --media-init. Gives the exit code."""

    def say(line: str) -> None:
        if config.get_verbosity() >= 0:
            print(line, flush=True)  # noqa: T201

    try:
        print(start_policy(with_own_checks(config, options_of(config)), say, _terminal(config)))  # noqa: T201
    except UsageError as error:
        raise pytest.UsageError(f"media image: {error}") from None
    except MediaImageError as error:
        print(f"ERROR: media image: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_ENVIRONMENT if isinstance(error, EnvironmentFault) else pytest.ExitCode.TESTS_FAILED
    return 0


class Exit(pytest.exit.Exception):  # type: ignore[name-defined,misc]
    """Ends a run that couldn't begin. pytest tells of it twice: `msg` at once, and as what it prints when it ends."""

    def __str__(self) -> str:
        return "nothing was tested"


class Run:
    """Brings the checks into the collection, and their results out of it."""

    def __init__(self, config: pytest.Config, opened: MediaSession, notes: list[str]) -> None:
        self._config = config
        self._opened = opened
        self._notes = notes
        self._chosen: list[str] = []
        self._golden_lines: list[str] = []
        self._faults: list[str] = []
        self._whys: set[str] = set()

    @classmethod
    def start(cls, config: pytest.Config) -> Run:
        """Open policy and images before anything is collected, so that one clear error is all there is."""
        options = options_of(config)
        notes: list[str] = []
        try:
            options = with_own_checks(config, options)
            opened = MediaSession.open(options)
            if not _is_worker(config):
                notes = [f"media image: {line}" for line in opened.reap()]
        except UsageError as error:
            report_failure(options, error)
            raise pytest.UsageError(f"media image: {error}") from None
        except MediaImageError as error:
            report_failure(options, error)
            code = EXIT_ENVIRONMENT if isinstance(error, EnvironmentFault) else pytest.ExitCode.TESTS_FAILED
            raise Exit(f"media image: {error}", returncode=code) from None
        config.stash[session_key] = opened
        return cls(config, opened, notes)

    def pytest_report_header(self) -> list[str]:
        return [*self._opened.header(), *self._notes]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Arguments that name the policy or a check in it are ours: pytest would look for such a file."""
        directory = self._config.invocation_params.dir
        self._chosen = [arg for arg in self._config.args if is_policy_argument(arg, self._opened, directory)]
        self._config.args[:] = [arg for arg in self._config.args if arg not in self._chosen]

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Another tool's file that is named on the command line."""
        named = is_argument(file_path, self._config.args, self._config.invocation_params.dir)
        if named and self._opened.foreign.hold(file_path):
            return collect_foreign(file_path, parent, self._opened)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        if self._collects_checks():
            foreign = [] if any("::" in arg for arg in self._chosen) else collect_named(session, self._opened, items)
            items[:0] = [*collect_checks(session, self._opened, self._chosen), *foreign]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "media_subject" in metafunc.fixturenames:
            subjects = list(self._opened.subjects)
            ids = [subject.id for subject in subjects]
            metafunc.parametrize("media_subject", subjects, ids=ids, indirect=True, scope="session")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """What is slow begins before the first test, where one will ask for it: syft, and the reading of layers."""
        if session.config.getoption("collectonly"):
            return
        worker = _is_worker(self._config)
        reported = self._opened.subjects if self._opened.sbom_reports and not worker else ()
        for subject in dict.fromkeys([*reported, *subjects_that_want_an_sbom(session.items)]):
            subject.start_syft()
        if not worker:
            # With pytest-xdist the process that reports has no items; what it reads the workers find in the cache.
            here = subjects_with_checks(session.items)
            distributed = self._collects_checks() and not session.items
            self._show_encodes()
            self._opened.read_layers(self._opened.subjects if distributed else here, _terminal(self._config))

    def _show_encodes(self) -> None:
        terminal = _terminal(self._config)
        if terminal is None or not self._config.pluginmanager.hasplugin("terminalreporter"):
            return
        # While a test runs, pytest catches what is written to stdout.
        out = os.fdopen(os.dup(terminal.fileno()), "w")
        self._config.add_cleanup(out.close)
        writer = self._config.get_terminal_writer()
        self._opened.show_encodes(out, lambda: writer.fullwidth - writer.width_of_current_line - 1)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        if isinstance(item, CheckItem) and item.runs_ahead:
            depth, distributed = self._opened.depth, _is_worker(self._config)
            if depth:
                next_ones = following(item, nextitem, depth, distributed=distributed)
                self._opened.run_ahead(item.order, (one.order for one in next_ones))
        else:
            self._opened.run_alone()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        line = self._opened.encodes
        if not isinstance(item, CheckItem):
            try:
                return (yield)
            except Skip as skip:  # what a fixture can't measure here
                pytest.skip(str(skip))
        if line is None or not item.runs_ahead:
            return (yield)
        line.begin((item.subject, item.check_id), item.check_id)
        try:
            return (yield)
        finally:
            line.end()

    def _collects_checks(self) -> bool:
        """With path arguments only those paths are run, and a policy that is named."""
        option = self._config.getoption
        return bool(self._chosen or option("media_policy") or not option("file_or_dir"))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, EnvironmentFault):
            report.media_environment = True  # type: ignore[attr-defined]
        if isinstance(item, CheckItem):
            item.amend(report)
        if lines := self._opened.take_golden_lines():
            report.media_golden = lines  # type: ignore[attr-defined]
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Only the process that reports gets here with every result; a worker's copy is thrown away."""
        if report.failed:
            if getattr(report, "media_environment", False):
                self._opened.environment_failures += 1
            else:
                self._opened.other_failures += 1
        self._golden_lines += getattr(report, "media_golden", ())
        data: dict[str, Any] | None = getattr(report, "media_result", None)
        if data is not None:
            result = Result.from_json(data)
            self._opened.add(result)
            if result.status is Status.FAILED and not _is_worker(self._config):
                # JUnit XML has it by now, for each check; the terminal shows the failures at the end.
                tell_why_once(report, self._whys)
            if not _is_worker(self._config):
                self._config.hook.pytest_mediaimage_result(config=self._config, result=result)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._opened.other_failures += 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._opened.interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
        session.exitstatus = self._opened.exit_code(int(session.exitstatus))
        try:
            if not _is_worker(self._config) and not self._config.getoption("collectonly"):
                opened = self._opened
                for write in (opened.prune_cache, opened.update_known, opened.write_sboms, opened.write_reports):
                    self._write(session, write)
        finally:
            self._opened.close()

    def _write(self, session: pytest.Session, write: Callable[[], None]) -> None:
        """What one can't write keeps the next from nothing."""
        try:
            write()
        except EnvironmentFault as fault:
            self._faults.append(str(fault))
            session.exitstatus = session.exitstatus or EXIT_ENVIRONMENT
        except UsageError as error:  # the known findings were changed while we ran
            self._faults.append(str(error))
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        except MediaImageError as error:  # an image that can't be read has no SBOM
            self._faults.append(str(error))
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        self._opened.write_summary(terminalreporter, self._golden_lines)
        for fault in self._faults:
            terminalreporter.write_line(f"ERROR: {fault}", red=True, bold=True)

    def pytest_unconfigure(self) -> None:
        self._opened.close()


def _terminal(config: pytest.Config) -> TextIO | None:
    """Where progress may be drawn: nowhere but on a terminal, and never with -q."""
    return sys.stdout if sys.stdout.isatty() and config.get_verbosity() >= 0 else None


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
