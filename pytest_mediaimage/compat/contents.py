"""Questions on the contents of files, answered together: each layer is read once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from ..checks.subject import Subject
from ..errors import MediaImageError
from ..image.image import Image
from ..image.tree import Node
from ..result import format_bytes
from .engine_view import Seen, file_at
from .regex import go_text

_MOST = 64 * 2**20
"""Bytes of a file that is searched; it's held in memory."""

Answers = Mapping[str, list[str]]
"""Path to what is wrong with its content; nothing where all is as it should be."""


class NotSearched(MediaImageError):
    """A file that is too long to be searched."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """`paths` names the files of an image; `judge` gets the path and text of each, and says what is wrong."""

    paths: Callable[[Image], Iterable[str]]
    judge: Callable[[str, str], list[str]]


@dataclass(slots=True, eq=False)
class Contents:
    """The questions of one file of tests. They are all answered when the first answer is asked for."""

    _questions: list[Question] = field(default_factory=list)
    _answered: WeakKeyDictionary[Subject, dict[Question, Answers] | MediaImageError] = field(
        default_factory=WeakKeyDictionary
    )

    def add(self, question: Question) -> Question:
        self._questions.append(question)
        return question

    def answers(self, question: Question, subject: Subject) -> Answers:
        """Raises CorruptImage, NotSearched or EnvironmentFault, for each question alike."""
        known = self._answered.get(subject)
        if known is None:
            try:
                known = _answer(self._questions, subject.image)
            except MediaImageError as error:
                known = error
            self._answered[subject] = known
        if isinstance(known, MediaImageError):
            raise known
        return known[question]


def _answer(questions: Iterable[Question], image: Image) -> dict[Question, Answers]:
    found: dict[Question, dict[str, list[str]]] = {}
    asked: dict[tuple[int, int], list[tuple[Question, str]]] = {}
    nodes: list[Node] = []
    for question in questions:
        answers = found[question] = {}
        for path in question.paths(image):
            file = file_at(image, path)
            if isinstance(file, Node):
                if file.content not in asked:
                    nodes.append(file)
                asked.setdefault(file.content, []).append((question, path))
            else:
                answers[path] = _without_content(question, path, file)
    for node, content in image.contents_of(nodes):
        if node.entry.size > _MOST:
            raise NotSearched(
                f"/{node.path} is {format_bytes(node.entry.size)} long",
                remedy=f"Contents are searched in files of up to {format_bytes(_MOST)}.",
            )
        text = go_text(content.read())
        for question, path in asked[node.content]:
            found[question][path] = question.judge(path, text)
    return {**found}


def _without_content(question: Question, path: str, seen: Seen | None) -> list[str]:
    if seen is None:
        return [f"{path} isn't in the image"]
    if seen.type == "file":  # the engine makes it, empty
        return question.judge(path, "")
    return [f"{path} is a {seen.type}, not a file"]
