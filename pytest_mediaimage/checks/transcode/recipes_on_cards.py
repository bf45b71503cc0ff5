"""A team's own recipe on a hardware path: on the devices of this machine, with proof that they did it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CommandTimeout, UsageError
from ...policy import OwnPath
from ..context import Context
from .cards import HARDWARE, MOST_DEVICES, Absent, absent, container_with, failed_on, nodes_of, origin_of
from .running import Job, Transcoded, TranscodeFailed, transcode

if TYPE_CHECKING:
    from ...media.hardware.devices import Node
    from ...media.hardware.paths import Probe
    from ...media.hardware.proof import Outcome
    from ...media.recipe import Recipe
    from ...runtime.base import Container


class NotOnDevice(TranscodeFailed):
    """The command came to its end, but it isn't proven that the device did the work."""


def look_at_path(path: str, context: Context) -> None:
    """Raises UsageError for a path that neither the package nor the policy knows."""
    own = [name for name, how in context.policy.transcode_paths.items() if isinstance(how, OwnPath)]
    if path not in (*HARDWARE, *own):
        raise UsageError(f"there is no hardware path {path!r}", remedy=f"Known: {', '.join(('cpu', *HARDWARE, *own))}.")


@dataclass(eq=False)
class OnCards:
    """Runs on one path. `lend` gives the container that has a device, which may be used again."""

    context: Context
    path: str
    program: str
    lend: Callable[[Node, str], Container]

    def run(self, job: Job, folder: Path) -> Transcoded:
        """The job on the first device that does it, proven.

        Raises Absent where there is no device, or none that can do it; TranscodeFailed with the diagnosis of what
        FFmpeg printed, NotOnDevice, CommandTimeout, or UsageError for a recipe that can't be put on this path.
        """
        nodes, backend = nodes_of(self.path, self.context)
        failed: TranscodeFailed | CommandTimeout | None = None
        lacking = ""
        for node in nodes[:MOST_DEVICES]:
            try:
                return self._on_node(job, node, backend, Path(tempfile.mkdtemp(dir=folder)))
            except Absent as reason:
                lacking = str(reason)
            except (TranscodeFailed, CommandTimeout) as error:
                failed = failed or error
        if failed is not None:
            raise failed
        absent(lacking)

    def _on_node(self, job: Job, node: Node, backend: str, folder: Path) -> Transcoded:
        from ...media.hardware.proof import of_signature, of_words, words_of

        recipe, probe = self._fitted(job, node)
        put = replace(job, recipe=recipe, device=node.path, counted=backend)
        container = self.lend(node, backend)
        architecture = self.context.image.platform.architecture
        try:
            result = transcode(container, self.program, put, folder, path=self.path, architecture=architecture)
        except TranscodeFailed as error:
            outcome = failed_on(node, backend, error, probe.codec)
            if not outcome.diagnosed:
                raise
            message = f"on {node.path}: {outcome.verdict}: {outcome.reason}"
            evidence, fix, ran = outcome.evidence, outcome.fix, error.command
            raise TranscodeFailed(message, evidence=evidence, remedy=fix, command=ran) from error
        decodes = probe.kind == "decode"
        wrong = of_words(probe, words_of(result.made.log))
        if wrong is None and not decodes:  # whatever encodes what a device decoded, signs it
            wrong = of_signature(probe, result.info)
        wrong = wrong or self._control(put, folder)
        if wrong is not None:
            message = f"on {node.path}: {wrong.verdict}: {wrong.reason}"
            raise NotOnDevice(message, evidence=wrong.evidence, remedy=wrong.fix, command=result.command)
        if not decodes:  # which is exact, whatever the card
            result.origin = origin_of(self.path, self.context, result)
        return result

    def _fitted(self, job: Job, node: Node) -> tuple[Recipe, Probe]:
        from ...media.hardware.encoders import own_encoder
        from ...media.hardware.fitting import Source, fitted
        from ...media.pictures.references import probe_source
        from ...media.recipe import recipe_of

        own = self.context.policy.transcode_paths.get(self.path)
        encoder = None
        if isinstance(own, OwnPath):
            encoder = own_encoder(own.arguments, own.proof, node.path)
            if encoder is None:
                raise UsageError(
                    f"the arguments of {self.path} can't be put into a recipe",
                    remedy="Let them name an encoder by -c:v, without filter graphs of several inputs.",
                )
        video = probe_source(job.source).video
        source = Source(video.codec, video.pix_fmt or "") if video else Source("", "")
        return fitted(recipe_of(job.recipe), self.path, node.path, source, encoder)

    def _control(self, job: Job, folder: Path) -> Outcome | None:
        """What is wrong where the same command succeeds in a container without the device."""
        from ...media.hardware.proof import Attempt, of_control

        try:
            into = Path(tempfile.mkdtemp(dir=folder.parent))
            bare = transcode(self.context.subject.container(), self.program, replace(job, fails=True, counted=""), into)
        except (TranscodeFailed, CommandTimeout):
            return None
        output = next(iter(bare.made.outputs.values()), None)
        return of_control(Attempt(bare.command.exit_code, bare.made.log, output))


def lender(context: Context) -> Callable[[Node, str], Container]:
    """Containers with a device each, made once and used again. Raises Absent."""
    made: dict[tuple[str, str], Container] = {}

    def lend(node: Node, backend: str) -> Container:
        key = node.path, backend
        if key not in made:
            made[key] = container_with(node, backend, context)
        return made[key]

    return lend
