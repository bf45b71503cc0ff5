"""grype or trivy, run on an image. Their databases are their own matter: how they are fetched, and where they lie."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...errors import StorageFault, ToolUnavailable, UsageError
from ...storage import storage_faults
from ..tied import tied_to_us
from .model import Report
from .reading import read_report

SCANNERS = ("grype", "trivy")
"""In the order in which they are looked for."""

TIMEOUT = 600.0
"""Seconds: a large image takes minutes, and the first run fetches a database of about 100 MB."""

_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
# What hides vulnerabilities from the report; the policy says what is judged and what is accepted.
_HIDING = {
    *("GRYPE_CONFIG", "GRYPE_ONLY_FIXED", "GRYPE_ONLY_NOTFIXED", "GRYPE_FAIL_ON_SEVERITY", "GRYPE_VEX_DOCUMENTS"),
    *("TRIVY_CONFIG", "TRIVY_SEVERITY", "TRIVY_IGNORE_UNFIXED", "TRIVY_IGNORE_STATUS", "TRIVY_IGNOREFILE", "TRIVY_VEX"),
    *("TRIVY_IGNORE_POLICY", "TRIVY_TEMPLATE", "TRIVY_PKG_TYPES"),
}
_REMEDIES = {
    "grype": "Run `grype db update` where there is a network, or pass a report made elsewhere: --media-vulnerabilities "
    "FILE. vulnerabilities: {scanner: none} runs none.",
    "trivy": "Run `trivy image --download-db-only` where there is a network, or pass a report made elsewhere: "
    "--media-vulnerabilities FILE. vulnerabilities: {scanner: none} runs none.",
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a scanner finds the image: by name in an engine, or at a path."""

    kind: Literal["docker", "podman", "oci-dir", "docker-archive"]
    place: str
    platform: str


@dataclass(frozen=True, slots=True)
class Scanner:
    """A scanner that is installed."""

    name: str
    program: Path

    def scan(self, target: Target, *, work: Path, timeout: float = TIMEOUT) -> Report:
        """Run it, and read what it wrote. Scratch files go below `work` and are removed.

        Raises ToolUnavailable where it fails, writes no report or takes longer than `timeout` seconds; StorageFault.
        """
        with storage_faults(work), tempfile.TemporaryDirectory(prefix="scan-", dir=work) as scratch:
            made = Path(scratch, "report.json")
            code, said = self._run(self._arguments(target, made), Path(scratch), timeout)
            # grype ends with 2 where the user's own settings fail on a severity; its report is whole then.
            if code and not (self.name == "grype" and code == 2):
                if _NO_SPACE.search(said):
                    raise StorageFault(f"{self.name} ran out of space{_tail(said)}", remedy=f"Free space in {work}.")
                raise self._unavailable(f"{self.program} failed with exit code {code}{_tail(said)}")
            try:
                return read_report(made)
            except UsageError as error:
                message = error.message.replace(str(made), "what it wrote")
                raise self._unavailable(f"{self.program} wrote no report: {message}{_tail(said)}") from error

    def _run(self, arguments: Sequence[str], scratch: Path, timeout: float) -> tuple[int, str]:
        errors = scratch / "stderr"
        with errors.open("wb") as stderr:
            try:
                process = subprocess.Popen(
                    [*tied_to_us(), str(self.program), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    cwd=scratch,  # settings that lie where pytest was started aren't the image's
                    env=_environment(scratch),
                    start_new_session=True,
                )
            except OSError as error:
                raise self._unavailable(f"{self.program} can't be run: {error.strerror}") from error
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired as error:
                raise self._unavailable(f"{self.program} had no report after {timeout:g} s") from error
            finally:
                if process.poll() is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        with errors.open("rb") as said:
            said.seek(-min(2000, errors.stat().st_size), os.SEEK_END)
            return code, said.read().decode(errors="replace")

    def _arguments(self, target: Target, report: Path) -> list[str]:
        in_engine = target.kind in ("docker", "podman")
        platform = ["--platform", target.platform] if in_engine else []
        if self.name == "grype":
            return [f"{target.kind}:{target.place}", "--output", "json", "--file", str(report), *platform]
        words = [
            "image",
            "--format",
            "json",
            "--output",
            str(report),
            "--scanners",
            "vuln",
            "--exit-code",
            "0",
            "--quiet",
        ]
        if in_engine:
            return [*words, "--image-src", target.kind, *platform, target.place]
        return [*words, "--input", target.place]

    def _unavailable(self, message: str) -> ToolUnavailable:
        return ToolUnavailable(message, remedy=_REMEDIES[self.name])


def find_scanner(wanted: str = "auto") -> Scanner | None:
    """The scanner of that name on PATH, or with `auto` the first of SCANNERS; None where there is none."""
    for name in SCANNERS:
        found = shutil.which(name) if wanted in ("auto", name) else None
        if found is not None:
            return Scanner(name, Path(found).absolute())
    return None


def _environment(scratch: Path) -> dict[str, str]:
    """The user's, but for what hides findings; a copy of the image goes where it is removed."""
    kept = {name: value for name, value in os.environ.items() if name not in _HIDING}
    return {
        **kept,
        "GRYPE_CHECK_FOR_APP_UPDATE": "false",
        "TRIVY_SKIP_VERSION_CHECK": "true",
        "TRIVY_DISABLE_TELEMETRY": "true",
        "NO_COLOR": "1",
        "TMPDIR": str(scratch),
    }


def _tail(said: str) -> str:
    text = " ".join(said.split())[-600:]
    return f": {text}" if text else ""
