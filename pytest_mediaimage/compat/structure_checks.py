"""The tests of a container-structure-test file as checks.

What each asks is what container-structure-test's docker driver asks: pkg/types/v2 and pkg/drivers/docker_driver.go.
Nothing is started but for command tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..checks.context import Context
from ..checks.registry import Check, Function
from ..image.entries import DIRECTORY
from ..image.image import Image
from ..result import Finding
from .commands import command_function
from .contents import Contents, Question
from .engine_view import Seen, look, mode_text, ports_and_volumes
from .expand import expand, global_env
from .matching import SHOWN, mend, unmatched
from .structure import ContentTest, ExistenceTest, LicenseTest, MetadataTest, Pair, StructureFile
from .tests import CompatTest

_WHY = "A structure test that the team wrote asks for it."
_EXECUTABLE = {"any": 0o111, "owner": 0o100, "group": 0o010, "other": 0o001}
_DOC = "usr/share/doc"
_LONGEST_NAME = 120
"""Ids become file names, which end at 255 bytes."""
# As in pkg/types/v2/licenses.go.
_FORBIDDEN_WORDS = ("AGPL", "WTFPL")
_EXEMPT_PACKAGES = ("libgnutls30",)


def checks_of(tests: StructureFile, directory: Path) -> Iterator[CompatTest]:
    """What is read first, what is run last. `directory` is where pytest was started."""

    def made(name: str, line: int, function: Function, *, reads_layers: bool = True) -> CompatTest:
        name = name[:_LONGEST_NAME]
        fails = f"an image that isn't what {tests.name}, line {line}, says"
        return CompatTest(name, line, Check(f"{tests.name}::{name}", fails, _WHY, function), reads_layers)

    contents = Contents()
    for existence in tests.existence:
        yield made(f"file existence: {existence.name}", existence.line, _existence(tests, existence))
    for content in tests.contents:
        question = contents.add(_content_question(content))
        yield made(f"file content: {content.name}", content.line, _asked(tests, content.line, contents, question))
    for number, licence in enumerate(tests.licenses, 1):
        question = contents.add(_license_question(licence))
        yield made(f"license: {number}", licence.line, _asked(tests, licence.line, contents, question))
    if tests.metadata is not None:
        yield made("metadata", tests.metadata.line, _metadata(tests, tests.metadata), reads_layers=False)
    for command in tests.commands:
        function = command_function(tests, command, directory)
        yield made(f"command: {command.name}", command.line, function, reads_layers=False)


def _existence(tests: StructureFile, test: ExistenceTest) -> Function:
    """Whether a path exists, and what it is."""

    def check(context: Context) -> Iterator[Finding]:
        image = context.image
        path = expand(test.path, {**image.config.env, **global_env(tests.global_env, image.config.env)})
        seen = look(image, path)
        wanted = (test.permissions or "present") if test.should_exist else "absent"
        context.measure(mode_text(seen) if seen else "absent", budget=wanted)
        layer = seen.node.layer if seen and seen.node else None
        if seen is None and test.should_exist:
            touched = image.tree.layers_with(path)
            layer = touched[-1] if touched else None
            messages = [
                f"{path} isn't in the image" + (f"; layer {layer + 1} takes it away" if layer is not None else "")
            ]
        elif seen is not None and not test.should_exist:
            messages = [f"{path} is in the image and shouldn't be"]
        else:
            messages = list(_differences(test, path, seen)) if seen else []
        for message in messages:
            fix = mend(tests, test.line)
            yield context.finding(message, layer=layer, file=path, evidence=message, fix=fix)

    return check


def _differences(test: ExistenceTest, path: str, seen: Seen) -> Iterator[str]:
    shown = mode_text(seen)
    if test.permissions and shown != test.permissions:
        yield f"{path} has the permissions {shown}, expected {test.permissions}"
    if test.executable_by and not seen.mode & _EXECUTABLE[test.executable_by]:
        yield f"{path} isn't executable by {test.executable_by}: its permissions are {shown}"
    for name, wanted, actual in (("user", test.uid, seen.uid), ("group", test.gid, seen.gid)):
        if wanted is not None and wanted != actual:
            yield f"{path} belongs to the {name} {actual}, expected {wanted}"


def _content_question(test: ContentTest) -> Question:
    def judge(path: str, text: str) -> list[str]:
        return list(unmatched(f"in {path}", text, test.expected, test.excluded))

    return Question(lambda image: (test.path,), judge)


def _license_question(test: LicenseTest) -> Question:
    def paths(image: Image) -> Iterable[str]:
        for node in image.tree if test.debian else ():
            above, _, name = node.path.rpartition("/")
            if above == _DOC and node.type == DIRECTORY and name not in _EXEMPT_PACKAGES:
                yield f"/{node.path}/copyright"
        yield from test.files

    def judge(path: str, text: str) -> list[str]:
        upper = text.upper()
        return [f"{path} mentions the licence {word}" for word in _FORBIDDEN_WORDS if word in upper]

    return Question(paths, judge)


def _asked(tests: StructureFile, line: int, contents: Contents, question: Question) -> Function:
    """What the contents of files answer."""

    def check(context: Context) -> Iterator[Finding]:
        answers = contents.answers(question, context.subject)
        context.measure(len(answers), unit="files")
        for path, problems in answers.items():
            node = context.image.tree.resolve(path) if problems else None
            layer = node.layer if node else None
            for problem in problems:
                yield context.finding(problem, layer=layer, file=path, evidence=problem, fix=mend(tests, line))

    return check


def _metadata(tests: StructureFile, test: MetadataTest) -> Function:
    """What the image's configuration says."""

    def check(context: Context) -> Iterator[Finding]:
        problems = list(_metadata_problems(context.image, test))
        context.measure("as expected" if not problems else f"{len(problems)} differences")
        for problem in problems:
            yield Finding(problem, evidence=problem, fix=mend(tests, test.line))

    return check


def _metadata_problems(image: Image, test: MetadataTest) -> Iterator[str]:
    config = image.config
    yield from _pair_problems("the variable", test.env, config.env)
    yield from (f"the variable {key} is set and shouldn't be" for key in test.unbound if key in config.env)
    yield from _pair_problems("the label", test.labels, config.labels)
    for name, words, actual in (("CMD", test.cmd, config.cmd), ("ENTRYPOINT", test.entrypoint, config.entrypoint)):
        if words is not None and words != actual:
            yield f"{name} is {list(actual)}, expected {list(words)}"
    for name, wanted, given in (("WORKDIR", test.workdir, config.working_dir), ("USER", test.user, config.user)):
        if wanted and wanted != given:
            yield f"{name} is {given!r}, expected {wanted!r}"
    ports, volumes = ports_and_volumes(config)
    for what, there, expected, excluded in (
        ("the port", ports, test.exposed_ports, test.unexposed_ports),
        ("the volume", volumes, test.volumes, test.unmounted_volumes),
    ):
        yield from (f"{what} {one} isn't declared" for one in expected if one not in there)
        yield from (f"{what} {one} is declared and shouldn't be" for one in excluded if one in there)


def _pair_problems(what: str, expected: Iterable[Pair], actual: Mapping[str, str]) -> Iterator[str]:
    for pair in expected:
        value = actual.get(pair.key)
        if value is None:
            yield f"{what} {pair.key} isn't set"
        elif pair.expression is not None:
            if not pair.expression.found_in(value):
                yield f"{what} {pair.key} is {value[:SHOWN]!r}, which doesn't match {pair.value!r}"
        elif value != pair.value:
            yield f"{what} {pair.key} is {value[:SHOWN]!r}, expected {pair.value!r}"
