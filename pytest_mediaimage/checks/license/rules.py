"""Whether a licence is accepted by the policy's rules: `license.allow`, `deny`, `allow-if`, `unknown`."""

from __future__ import annotations

import fnmatch
import functools
import re
from dataclasses import dataclass

from ...image.image import Image
from ...policy import Policy
from ...policy.licenses import AllowIf, Condition, matches
from ...sbom.licenses import Expression, InvalidExpression

_VERSIONED = re.compile(r"(?P<family>A?GPL|LGPL|GFDL)-(?P<version>\d\.\d)-or-later")
_VERSIONS = {
    "GPL": ("1.0", "2.0", "3.0"),
    "LGPL": ("2.0", "2.1", "3.0"),
    "AGPL": ("1.0", "3.0"),
    "GFDL": ("1.1", "1.2", "1.3"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why an expression isn't accepted: `word` is `denied`, `conditions`, `not allowed` or `unknown`; `ids` are those
    that it is about."""

    word: str
    ids: tuple[str, ...]
    missing: tuple[str, ...] = ()


class Rules:
    """A policy's rules on one image: conditions are looked up in it once."""

    def __init__(self, policy: Policy, image: Image) -> None:
        self._policy, self._image = policy, image
        self._known: dict[Condition, bool] = {}

    @property
    def any(self) -> bool:
        policy = self._policy
        return bool(policy.license_allow or policy.license_deny or policy.license_allow_if or self.unknown != "ignore")

    @property
    def unknown(self) -> str:
        """What becomes of a licence that isn't known: where licences are listed that are allowed, a warning."""
        if self._policy.license_unknown is not None:
            return self._policy.license_unknown
        return "warn" if self._policy.license_allow else "ignore"

    def judge(self, text: str | None) -> Verdict | None:
        """None where the expression's terms can be met with what the policy accepts."""
        if text is None:
            return Verdict("unknown", ()) if self.unknown != "ignore" else None
        try:
            expression = Expression.parse(text)
        except InvalidExpression:
            return Verdict("unknown", (text,)) if self.unknown != "ignore" else None
        denied = tuple(id for id in expression.ids if matches(id, self._policy.license_deny))
        if denied and not expression.holds(lambda id: id not in denied):
            return Verdict("denied", denied)
        if expression.holds(lambda id: id not in denied and self._accepted(id)):
            return None
        refused = [id for id in expression.ids if id not in denied and not self._accepted(id)]
        entries = [entry for id in refused for entry in self._entries(id)]
        if entries:
            missing = tuple(dict.fromkeys(words for entry in entries for words in self._missing(entry)))
            return Verdict("conditions", tuple(refused), missing)
        if all(id.startswith("LicenseRef-") for id in refused):
            return Verdict("unknown", tuple(refused)) if self.unknown != "ignore" else None
        return Verdict("not allowed", tuple(refused))

    def denied_in(self, text: str) -> tuple[str, ...]:
        """The ids that the policy denies and that the expression can't do without."""
        verdict = self.judge(text)
        return verdict.ids if verdict is not None and verdict.word == "denied" else ()

    def _accepted(self, id: str) -> bool:
        policy = self._policy
        if any(matches(one, policy.license_allow) for one in _choices(id)):
            return True
        entries = self._entries(id)
        if entries:
            return any(not self._missing(entry) for entry in entries)
        return not policy.license_allow

    def _entries(self, id: str) -> list[AllowIf]:
        return [
            entry
            for entry in self._policy.license_allow_if
            if any(matches(one, entry.licenses) for one in _choices(id))
        ]

    def _missing(self, entry: AllowIf) -> list[str]:
        missing = [str(one) for one in entry.all if not self._holds(one)]
        if entry.any and not any(self._holds(one) for one in entry.any):
            missing.append(" or ".join(map(str, entry.any)))
        return missing

    def _holds(self, condition: Condition) -> bool:
        if condition not in self._known:
            self._known[condition] = self._look(condition)
        return self._known[condition]

    def _look(self, condition: Condition) -> bool:
        image = self._image
        if condition.kind == "label":
            return bool(labels_of(image).get(condition.value, "").strip())
        if not re.search(r"[*?\[]", condition.value):
            node = image.tree.resolve(condition.value)
            return node is not None and node.type == "file" and node.entry.size > 0
        pattern = condition.value.removeprefix("/")
        return any(fnmatch.fnmatchcase(node.path, pattern) and node.entry.size > 0 for node in image.tree.files())


def labels_of(image: Image) -> dict[str, str]:
    """Labels travel in the configuration, annotations in the manifest: a reader looks at both."""
    return {**(image.manifest.annotations if image.manifest else {}), **image.labels}


@functools.cache
def _choices(id: str) -> tuple[str, ...]:
    """The licences under which something may be taken: with ``or-later`` each later version, and without an exception,
    which only permits more."""
    plain = id.partition(" WITH ")[0]
    found = [id, plain] if plain != id else [id]
    if match := _VERSIONED.fullmatch(plain):
        for version in _VERSIONS[match["family"]]:
            if version >= match["version"]:
                found += [f"{match['family']}-{version}-{end}" for end in ("or-later", "only")]
    return tuple(dict.fromkeys(found))
