"""The licence of an FFmpeg build: what it states, what its configuration says, and what follows.

Three things are kept apart. *Declared* is what a package or a label says of it, and stands outside of the file.
*Stated* is FFmpeg's own text in the file. *Concluded* is the strictest of what is stated, of what the configure line's
flags give, and of what every library demands that was found in the build. A conflict between them is never smoothed
over: it says both values, and where in the file each was read.

The rules are those of `configure` (FFmpeg 9.0.2, lines 4822 to 4849; the same since 4.1). Facts about files,
no legal advice: the owners of some GPL libraries also sell other licences, and a licence id alone doesn't
show that its terms are met.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import UsageError
from .components import Component, Demand, configured_components
from .configuration import enabled_options, family, license_of_flags, release
from .evidence import Evidence
from .identity import LICENSE_TEXTS, FFmpegIdentity

__all__ = [
    "NONFREE",
    "ORDER",
    "Conflict",
    "License",
    "enabled_options",
    "exceeds",
    "license_of_flags",
    "read_license",
    "release",
    "strictest",
    "told",
]

NONFREE = "LicenseRef-FFmpeg-nonfree"
ORDER = (
    "LGPL-2.1-or-later",
    "LGPL-3.0-or-later",
    "GPL-2.0-or-later",
    "GPL-3.0-or-later",
    NONFREE,
)
"""From the least strict to the strictest, as `license.max` of a policy compares them."""

_SHOWN = 60  # characters of a text from a file in a message


class Conflict(NamedTuple):
    """Something that doesn't fit together.

    `code` is stable; `message` is one sentence, with both values and with version, text and byte offset of each
    library in it; `components` are those libraries.

    Codes: `nonfree-flag`, `nonfree-flag-unneeded`, `texts-differ`, `text-and-configuration-disagree`,
    `gpl-library-without-gpl`, `version3-library-without-version3`, `nonfree-library-without-nonfree`,
    `gpl-with-incompatible-library`, `gpl-with-openssl`, `library-stricter-than-stated`.
    """

    code: str
    message: str
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True)
class License:
    """The licence of one build, as SPDX ids out of `ORDER`; None where the file doesn't say.

    `stated` is the strictest of the licence texts in the files, `flags` what the configuration gives,
    `concluded` the strictest of both and of what the `components` demand: those of the build's that demand anything.
    """

    stated: str | None
    flags: str | None
    concluded: str | None
    components: tuple[Component, ...]
    conflicts: tuple[Conflict, ...]


def exceeds(license: str, maximum: str) -> bool:
    """Whether `license` is stricter than `maximum`. Raises UsageError for an id that isn't in `ORDER`."""
    return _rank(license) > _rank(maximum)


def strictest(licenses: Iterable[str | None]) -> str | None:
    """The strictest of those that are known; None where none is. Raises UsageError like `exceeds`."""
    return max((one for one in licenses if one), key=_rank, default=None)


def read_license(identity: FFmpegIdentity, components: Sequence[Component] | None = None) -> License:
    """The licence of a build, from one file's identity and components, or from those of all its files.

    Without `components` only what the configure line names is known to be in it.
    """
    if components is None:
        components = configured_components(identity)
    texts = [LICENSE_TEXTS[text] for text in identity.licenses.values()]
    stated = strictest(texts)
    options = None if identity.configuration is None else enabled_options(identity.configuration)
    flags = None if options is None else license_of_flags(options)
    conflicts = []
    if len(set(texts)) > 1:
        said = ", ".join(_text_of(identity, library) for library in sorted(identity.licenses))
        conflicts.append(Conflict("texts-differ", f"the libraries state different licences ({said})"))
    if stated and flags and stated != flags:
        message = f"{_statement(identity, stated)}, the configuration gives {flags}"
        conflicts.append(Conflict("text-and-configuration-disagree", message))
    base = strictest((stated, flags))
    deciding = tuple(one for one in components if one.demand is not Demand.NONE or one.row.alone)
    case = _Case(identity, base, flags, {name for name, on in (options or {}).items() if on}, deciding)
    concluded, found = case.conclude()
    return License(stated, flags, concluded, deciding, (*conflicts, *found))


def told(component: Component) -> str:
    """A library with what it was read from: ``x265 4.2 (GPL-2.0-or-later; static: 'x265 [info]' at byte 123)``.

    That is its strongest evidence and, where that has no byte of its own, the strongest which has one.
    """
    name = f"{component.name} {component.version}" if component.version else component.name
    # A codec's name in a table says that it's there, and a text or a soname says what it is.
    telling = [one for one in component.evidence if one.technique != "codec-table"] or list(component.evidence)
    shown = [max(telling, key=lambda one: (one.confidence, one.offset is not None))] if telling else []
    placed = [one for one in telling if one.offset is not None]
    if placed and shown[0].offset is None:
        shown.append(max(placed, key=lambda one: one.confidence))
    texts = ", ".join(_quoted(one) for one in shown)
    return f"{name} ({component.license}; {component.linkage}{f': {texts}' if texts else ''})"


def _quoted(evidence: Evidence) -> str:
    text = evidence.text if len(evidence.text) <= _SHOWN else evidence.text[: _SHOWN - 3] + "..."
    return f"{text!r}{f' at byte {evidence.offset}' if evidence.offset is not None else ''}"


class _Case(NamedTuple):
    """One build: `base` is the strictest of what it says, `flags` None where the file holds no configure line."""

    identity: FFmpegIdentity
    base: str | None
    flags: str | None
    options: set[str]
    components: tuple[Component, ...]

    @property
    def gpl(self) -> bool:
        """Whether the build says that it has GPL parts."""
        return "gpl" in self.options if self.flags else bool(self.base and self.base.startswith("GPL"))

    @property
    def version3(self) -> bool:
        return "version3" in self.options if self.flags else bool(self.base and "-3.0-" in self.base)

    @property
    def nonfree(self) -> bool:
        return "nonfree" in self.options if self.flags else self.base == NONFREE

    def conclude(self) -> tuple[str | None, list[Conflict]]:
        """The licence, and the conflicts between what is said and what is there."""
        needs_gpl = self._demanding(Demand.GPL, Demand.GPLV3)
        gpl = bool(needs_gpl) or self.gpl or bool(self.base and self.base.startswith("GPL"))
        needs_version3 = self._asked_for(Demand.VERSION3, Demand.GPLV3)
        version3 = bool(needs_version3) or self.version3 or bool(self.base and "-3.0-" in self.base)
        not_gpl = self._demanding(Demand.NOT_GPL)
        nonfree = self._demanding(Demand.NONFREE)
        openssl = self._asked_for(Demand.OPENSSL, Demand.VERSION3_WITH_GPL)

        conflicts = [*self._unflagged(needs_gpl, needs_version3, nonfree)]
        least = [self.base, *(one.row.alone for one in self.components)]
        if needs_gpl or needs_version3 or self.base:
            least.append(family(gpl=gpl, version3=version3))
        if gpl and openssl and not version3 and not self.nonfree:
            message = f"{self._gpl_parts(needs_gpl)} beside {_all(openssl)}: from 3.0 on it needs --enable-version3"
            if any(one.demand is Demand.OPENSSL for one in openssl):
                message += ", before that --enable-nonfree, and which it is can't be read"
            conflicts.append(Conflict("gpl-with-openssl", message, (*needs_gpl, *openssl)))
            least.append("GPL-3.0-or-later")
        if gpl and not_gpl:
            conflicts += self._incompatible(needs_gpl, not_gpl)
            least.append(NONFREE)
        if nonfree:
            least.append(NONFREE)
        if self.base == NONFREE:
            conflicts.append(Conflict("nonfree-flag", self._nonfree_words()))
            if self.flags and not nonfree and not not_gpl and not (openssl and gpl):
                message = f"{self._nonfree_words()}, and no part was found that needs the nonfree flag: "
                message += "without it the build could be redistributed"
                conflicts.append(Conflict("nonfree-flag-unneeded", message))
        concluded = strictest(least)
        conflicts += self._above(concluded)
        return concluded, conflicts

    def _demanding(self, *demands: Demand) -> tuple[Component, ...]:
        return tuple(one for one in self.components if one.demand in demands)

    def _asked_for(self, *demands: Demand) -> tuple[Component, ...]:
        """Without those that came with another library: configure asks for version3 for what FFmpeg itself uses only,
        and GMP in GnuTLS or Mbed TLS in librist may be had under the GPL 2, too."""
        found = self._demanding(*demands)
        return tuple(one for one in found if one.id in self.options) if self.flags else found

    def _unflagged(
        self, gpl: Sequence[Component], version3: Sequence[Component], nonfree: Sequence[Component]
    ) -> Iterable[Conflict]:
        """Libraries without the flag that configure asks for."""
        for code, needing, said, flag in (
            ("gpl-library-without-gpl", gpl, self.gpl, "gpl"),
            ("version3-library-without-version3", version3, self.version3, "version3"),
            ("nonfree-library-without-nonfree", nonfree, self.nonfree, "nonfree"),
        ):
            if not needing or said:
                continue
            message = f"{_statement(self.identity, self.base)}, holds {_all(needing)}"
            message += f" without --enable-{flag}, which an unchanged configure refuses" if self.flags else ""
            sold = ", ".join(one.name for one in needing if one.row.sold)
            if sold:
                message += f" (other licences are sold for {sold})"
            yield Conflict(code, message, tuple(needing))

    def _incompatible(self, gpl: Sequence[Component], others: Sequence[Component]) -> Iterable[Conflict]:
        """GPL parts beside what configure takes with --enable-gpl only where --enable-nonfree is given, too."""
        openssl = tuple(one for one in others if one.id == "openssl")
        rest = tuple(one for one in others if one.id != "openssl")
        if openssl and not self.nonfree:
            message = f"{self._gpl_parts(gpl)} beside {_all(openssl)}: OpenSSL before 3.0 needs --enable-nonfree then"
            yield Conflict("gpl-with-openssl", message, (*gpl, *openssl))
        if rest:
            message = f"{self._gpl_parts(gpl)} beside {_all(rest)}: FFmpeg holds these licences for incompatible"
            yield Conflict("gpl-with-incompatible-library", message, (*gpl, *rest))

    def _gpl_parts(self, components: Sequence[Component]) -> str:
        return _all(components) if components else f"GPL parts ({_statement(self.identity, self.base)})"

    def _nonfree_words(self) -> str:
        if "nonfree" in self.options:
            return "FFmpeg was built with --enable-nonfree and calls itself unredistributable"
        return f"{_statement(self.identity, self.base)}: FFmpeg calls itself unredistributable"

    def _above(self, concluded: str | None) -> Iterable[Conflict]:
        """Libraries that make more of a build than configure knows."""
        if concluded is None or exceeds(concluded, "GPL-3.0-or-later"):
            return
        base = self.base or ORDER[0]
        above = tuple(one for one in self.components if one.row.alone and exceeds(one.row.alone, base))
        if above:
            message = f"{_all(above)} makes the whole {concluded}; {_statement(self.identity, self.base)}"
            yield Conflict("library-stricter-than-stated", message, above)


def _statement(identity: FFmpegIdentity, license: str | None) -> str:
    """What FFmpeg says of itself, with a text that says so where there is one."""
    if license is None:
        return "the file states no licence"
    for library, text in sorted(identity.licenses.items()):
        if LICENSE_TEXTS[text] == license:
            return f"stated {license} ({_text_of(identity, library)})"
    return f"stated {license} (by the flags of the configure line{_at(identity, 'configuration')})"


def _text_of(identity: FFmpegIdentity, library: str) -> str:
    text = f"{library} license: {identity.licenses[library]}"
    return f"{text!r}{_at(identity, f'license:{library}')}"


def _at(identity: FFmpegIdentity, name: str) -> str:
    return f" at byte {identity.offsets[name]}" if name in identity.offsets else ""


def _all(components: Sequence[Component]) -> str:
    return ", ".join(told(one) for one in components)


def _rank(license: str) -> int:
    if license not in ORDER:
        raise UsageError(f"{license!r} is no licence of FFmpeg", remedy=f"Use one of {', '.join(ORDER)}.")
    return ORDER.index(license)
