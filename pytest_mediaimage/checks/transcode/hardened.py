"""`transcode.hardened`: the usual job under what a strict cluster allows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ...errors import CommandTimeout
from ...result import Finding
from ...runtime.base import Resources
from ..context import Context
from ..registry import check
from .cases import base_case
from .running import Job, TranscodeFailed, transcode
from .sampling import sample_file


@check(
    "transcode.hardened",
    fails="the case h264-aac, where the root is read-only, the user 65534 without capabilities, and only /tmp writable",
    why="Clusters run images so (Kubernetes' Restricted profile): what writes beside its program, or wants to be root, "
    "fails there and nowhere else.",
)
def hardened(context: Context) -> Iterator[Finding]:
    context.measure(None, budget="as in a plain container")
    program = context.subject.ffmpeg_to_run()
    case, mend = base_case(context), context.subject.mending
    from ...media.verdict import judge_case

    sample = sample_file(case.sample, context.subject.bench.cache)
    architecture = context.image.platform.architecture
    with (
        tempfile.TemporaryDirectory(dir=context.subject.bench.work, prefix="hardened-") as folder,
        closing(context.subject.new_container(Resources(hardened=True))) as container,
    ):
        job = Job(case.recipe, sample, case.outputs, timeout=case.timeout)
        try:
            result = transcode(container, program, job, Path(folder), architecture=architecture)
        except (TranscodeFailed, CommandTimeout) as error:
            yield Finding(
                f"in a hardened container: {error.message}",
                file=program,
                evidence=error.evidence if isinstance(error, TranscodeFailed) else "time-out",
                fix=mend(
                    "Write only below /tmp or a mounted volume, make programs readable and executable for everybody, "
                    "and don't rely on root: `docker run --read-only --user 65534 --cap-drop ALL --tmpfs /tmp` "
                    "shows it."
                ),
            )
            return
        goldens = context.subject.bench.goldens
        golden = None if goldens.updating else goldens.entry(case.name, result)
        judgement = judge_case(case, result.made, golden=golden, architecture=architecture)
    context.measure(f"{judgement.metrics.get('frames', 0)} frames", budget="as in a plain container")
    for problem in judgement.problems:
        yield Finding(f"in a hardened container: {problem.message}", evidence=problem.evidence, fix=mend(problem.fix))
