"""The image under test, with everything that is made for it once: container, FFmpeg builds, SBOM."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import CommandTimeout, EnvironmentFault, MediaImageError
from ..ffmpeg import FFmpegIdentity
from ..ffmpeg.build import Build, combine_builds
from ..image.analysers import kind
from ..image.image import Image
from ..image.sources import open_image
from ..image.tree import Node
from ..result import Skip
from ..runtime.base import DEFAULT_PATH, PLAIN
from . import bom
from .analysers import NAME as FFMPEG
from .analysers import from_json
from .reach import Reach

if TYPE_CHECKING:
    from ..image.digest import Platform
    from ..image.reference import Reference
    from ..runtime.base import Container, Process, Resources
    from ..sbom import Sbom, SyftRun
    from .sbom.found import AttachedSboms
    from .workbench import Workbench

_T = TypeVar("_T")

LISTING_SECONDS = 30.0
"""How long the image's ffmpeg may take to say what it can do; a tenth of a second is usual."""
UNUSABLE = "ffmpeg can't say what it can do: see ffmpeg.capabilities"
"""Why what needs its listings skips."""
_MOST_SHOWN = 60  # characters of what is printed instead

# What packages of PyPI call theirs: ffmpeg-linux-x86_64-v7.0.2 (imageio-ffmpeg), ffmpeg-linux-x64 (Shaka Streamer).
_NAMED_FFMPEG = re.compile(r"/ffmpeg(?:[-_.\d][^/]*)?$")


@dataclass(frozen=True, slots=True)
class FoundFFmpeg:
    """A file that is or contains FFmpeg: where it lies, whether a container sees it, and what was read in it.

    `content` is its layer and its ordinal there.
    """

    path: str
    layer: int
    visible: bool
    build: Build
    content: tuple[int, int] = (-1, -1)

    @property
    def identity(self) -> FFmpegIdentity:
        return self.build.identity


@dataclass(frozen=True, slots=True)
class Listings:
    """What the image's own ffmpeg prints of itself."""

    version: str | None
    encoders: frozenset[str]
    decoders: frozenset[str]
    filters: frozenset[str]
    protocols: frozenset[str]
    muxers: frozenset[str]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all in them; the smallest build that can be made has filters."""
        return not (self.encoders or self.decoders or self.filters or self.protocols or self.muxers)


@dataclass(eq=False)
class Subject:
    """One image on one platform. Everything is made when first asked for, and an error is kept like a value."""

    bench: Workbench
    reference: Reference
    platform: Platform
    baseline_reference: Reference | None = None
    _made: dict[str, object] = field(default_factory=dict)
    _idle: list[Container] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The image as the user wrote it."""
        return self.reference.text

    @property
    def id(self) -> str:
        """What stands in the brackets of a test's id."""
        return f"{self.label}-{self.platform}"

    @property
    def static(self) -> bool:
        return self.bench.static

    @cached_property
    def image(self) -> Image:
        return open_image(self.reference, self.platform, self.bench.opening)

    @cached_property
    def previous(self) -> Subject | None:
        """The previous release for the same platform, None where the user named none."""
        if self.baseline_reference is None:
            return None
        return Subject(self.bench, self.baseline_reference, self.platform)

    @property
    def baseline(self) -> Image | None:
        """The previous release's image, None where the user named none. Raises as `image` does."""
        return self.previous.image if self.previous else None

    @cached_property
    def reach(self) -> Reach:
        """What the entry point and the tools reach."""
        return Reach(self)

    def container(self) -> Container:
        """The container that the checks share. Raises EnvironmentFault, the same one each time; Skip when static."""
        return self._once("container", self.new_container)

    def new_container(self, resources: Resources = PLAIN) -> Container:
        """A container of the caller's own, closed at the end of the run at the latest. Raises as `container`."""
        if self.static:
            raise Skip("nothing is started under --media-static")
        return self.bench.start(self.image, resources)

    @contextmanager
    def lent_container(self) -> Iterator[Container]:
        """A container for one thread, of which there may be several at once; used again by the next one.

        Raises as `container`.
        """
        try:
            container = self._idle.pop()
        except IndexError:
            container = self.new_container()
        try:
            yield container
        except BaseException:
            container.close()
            raise
        self._idle.append(container)

    def start_command(self, argv: Sequence[str], files: Mapping[str, Path], resources: Resources = PLAIN) -> Process:
        """A command as process 1 of a container of its own. Raises NotStarted, and as `container`."""
        if self.static:
            raise Skip("nothing is started under --media-static")
        return self.bench.start_command(self.image, argv, files, resources)

    @cached_property
    def ffmpeg_files(self) -> tuple[FoundFFmpeg, ...]:
        """Every file in every layer that is or contains FFmpeg, told by its content."""
        facts = [
            (layer, ordinal, fact)
            for layer, layer_facts in enumerate(self.image.layer_facts)
            for ordinal, fact in layer_facts.found.get(FFMPEG, {}).items()
        ]
        visible = self.image.tree.paths_of({(layer, ordinal) for layer, ordinal, _ in facts})
        found = []
        for layer, ordinal, fact in facts:
            path = visible.get((layer, ordinal)) or self.image.layer_facts[layer].entries.path(ordinal)
            found.append(FoundFFmpeg("/" + path, layer, (layer, ordinal) in visible, from_json(fact), (layer, ordinal)))
        return tuple(found)

    def find_program(self, name: str) -> Node | None:
        """What the shell would start: the first executable of that name on the image's PATH."""
        for folder in self.image.config.env.get("PATH", DEFAULT_PATH).split(":"):
            node = self.image.tree.resolve(f"{folder}/{name}")
            if node is not None and node.type == "file" and node.entry.mode & 0o111:
                return node
        return None

    def ffmpeg_program(self) -> str | None:
        """The absolute path of the image's ffmpeg: on its PATH, else its entry point, else a tool found by content."""
        node = self.find_program("ffmpeg")
        if node is not None:
            return "/" + node.path
        entrypoint = self.image.config.entrypoint
        if entrypoint and entrypoint[0].rpartition("/")[2] == "ffmpeg":
            node = self.image.tree.resolve(entrypoint[0])
            if node is not None:
                return "/" + node.path
        for found in self.ffmpeg_files:
            if found.visible and found.identity.kind == "tool" and _NAMED_FFMPEG.search(found.path):
                return found.path
        return None

    def ffmpeg_script(self) -> str | None:
        """The path of the image's ffmpeg where that is a script, None where it is none."""
        program = self.ffmpeg_program()
        node = self.image.tree.resolve(program) if program else None
        if node is None:
            return None
        layer, ordinal = node.content
        what = self.image.layer_facts[layer].found.get(kind.NAME, {}).get(ordinal, "")
        return program if what.startswith("script ") else None

    def mending(self, fix: str) -> str:
        """What to do about something that the image's ffmpeg did, and that a script in its place may have done."""
        script = self.ffmpeg_script()
        return f"{script} is a script: look at what it changes. {fix}".rstrip() if script else fix

    def ffmpeg_build(self) -> Build | None:
        """The image's ffmpeg with the libav* libraries that it loads; None where its files hold none that is known."""
        program = self.ffmpeg_program()
        binary = self.reach.loader.binary(program) if program else None
        if binary is None:
            return None
        loaded = {one.content for one in self.reach.process(binary).binaries}
        builds = [found.build for found in self.ffmpeg_files if found.content in loaded]
        return combine_builds(builds) if builds else None

    def ffmpeg_to_run(self) -> str:
        """The path of the image's ffmpeg, for what starts it. Raises Skip when static or without ffmpeg."""
        if self.static:
            raise Skip("nothing is started under --media-static")
        program = self.ffmpeg_program()
        if program is None:
            raise Skip("the image has no ffmpeg")
        return program

    def listings(self) -> Listings:
        """What the image's ffmpeg says it can do. Raises Skip when static or without ffmpeg, FFmpegFailed, and as
        `container`; each of them every time."""
        return self._once("listings", self._ask)

    def _ask(self) -> Listings:
        from ..media import capabilities

        version = self._told("-version")
        listings = Listings(
            capabilities.version(version),
            capabilities.encoders(self._told("-encoders")),
            capabilities.decoders(self._told("-decoders")),
            capabilities.filters(self._told("-filters")),
            capabilities.protocols(self._told("-protocols")),
            capabilities.muxers(self._told("-muxers")),
        )
        if listings.is_empty:
            shown = ascii(version[:_MOST_SHOWN]) if version else "nothing"
            lacks = "tables" if listings.version else "version and no tables"
            raise FFmpegFailed(
                f"{self.ffmpeg_program()} prints no {lacks}, but {shown}",
                evidence="no tables",
                remedy=self.mending(f"Look at what it prints: {self._by_hand('-version')}."),
            )
        return listings

    def pix_fmts(self, encoder: str) -> frozenset[str]:
        """The pixel formats that an encoder of the image's ffmpeg takes. Raises as `listings` does."""
        from ..media import capabilities

        return self._once(f"pix_fmts {encoder}", lambda: capabilities.pix_fmts(self._told("-h", f"encoder={encoder}")))

    def _told(self, *options: str) -> str:
        container = self.container()
        program = self.ffmpeg_to_run()
        argv = [program, "-hide_banner", *options]
        try:
            result = container.run(argv, timeout=LISTING_SECONDS)
        except CommandTimeout as error:
            raise FFmpegFailed(
                f"`{' '.join(argv)}`{error.message.removeprefix(repr(program))}",
                evidence="never ends",
                remedy=self.mending(f"Look at what it waits for: {self._by_hand(*argv[1:])}."),
            ) from None
        if result.exit_code:
            words = result.stderr.strip()[-300:]
            raise FFmpegFailed(
                f"{program} {' '.join(options)} ended with exit code {result.exit_code}: {words}",
                evidence="can't start",
                remedy=self.mending(
                    "Run it in a container by hand: a library, its loader or its permission to execute is missing."
                ),
            )
        return result.stdout

    def _by_hand(self, *options: str) -> str:
        return f"docker run --rm --entrypoint {self.ffmpeg_program()} IMAGE {' '.join(options)}"

    def start_syft(self) -> None:
        """Let syft begin in the background; what goes wrong shows when the SBOM is asked for."""
        with suppress(MediaImageError):
            self._syft().start()

    def sbom(self) -> Sbom:
        """The enriched SBOM: with our own components alone where syft is missing, failed or hung, and says so."""
        return self._merged()[0]

    def packages_fault(self) -> EnvironmentFault | None:
        """Why the SBOM lacks the image's packages; None where it has them."""
        return self._merged()[1]

    def _merged(self) -> tuple[Sbom, EnvironmentFault | None]:
        return self._once("sbom", lambda: bom.merged(self.image, self.ffmpeg_files, self._syft))

    def attached_sboms(self) -> AttachedSboms:
        """The SBOMs attached to the image, opened. Raises CorruptImage or RegistryUnavailable."""
        from .sbom.found import look

        return self._once("attached", lambda: look(self.image))

    def _syft(self) -> SyftRun:
        return self._once("syft", lambda: bom.syft_run(self.image, cache=self.bench.cache, work=self.bench.work))

    def close(self) -> None:
        """End what runs in the background."""
        syft = self._made.get("syft")
        if syft is not None and not isinstance(syft, Exception):
            self._syft().close()
        if self.previous is not None:
            self.previous.close()

    def _once(self, name: str, make: Callable[[], _T]) -> _T:
        """What `make` gives, kept; an error of ours is kept too and raised each time."""
        if name not in self._made:
            try:
                self._made[name] = make()
            except (MediaImageError, Skip) as error:
                self._made[name] = error
        made = self._made[name]
        if isinstance(made, (MediaImageError, Skip)):
            raise made
        return made  # type: ignore[return-value]


class FFmpegFailed(MediaImageError):
    """The image's ffmpeg can't even tell what it can do: the image's own fault. `evidence` is as a finding's."""

    def __init__(self, message: str, *, evidence: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.evidence = evidence
