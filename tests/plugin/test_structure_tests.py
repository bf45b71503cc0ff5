"""container-structure-test's files in a pytest run: how they get in, what they're called, how they fail."""

from __future__ import annotations

import pytest

from pytest_mediaimage.image.build import Item, layer

EXISTENCE = """\
schemaVersion: 2.0.0
fileExistenceTests:
  - {name: passwd, path: /etc/passwd}
  - name: shadow
    path: /etc/shadow
"""


@pytest.fixture
def image(write_layout):
    return write_layout()


def write(pytester, name: str, text: str) -> None:
    path = pytester.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def statuses(outcome) -> dict[str, str]:
    return {check: status for check, status in outcome.statuses().items() if "::" in check}


def test_a_file_that_is_named_is_all_that_is_collected(media, pytester, image):
    write(pytester, "structure.yaml", EXISTENCE)
    outcome = media(image, "--media-static", "structure.yaml")
    assert outcome.statuses() == {
        "structure.yaml::file existence: passwd": "passed",
        "structure.yaml::file existence: shadow": "failed",
    }
    assert "/etc/shadow isn't in the image" in outcome.text
    assert "what structure.yaml, line 4, expects of it" in outcome.text
    assert f"structure.yaml::file existence: shadow[oci:{image}-linux/amd64]" in outcome.text
    assert outcome.code == 1


def test_an_id_can_be_passed_back(media, pytester, image, workers):
    write(pytester, "structure.yaml", EXISTENCE)
    outcome = media(
        image, *workers, "--media-static", f"structure.yaml::file existence: passwd[oci:{image}-linux/amd64]"
    )
    assert statuses(outcome) == {"structure.yaml::file existence: passwd": "passed"}
    assert outcome.code == 0


def test_a_file_that_is_not_named_is_not_collected(media, pytester, image):
    write(pytester, "structure.yaml", EXISTENCE)
    assert statuses(media(image, "--media-static", "-k", "config.user")) == {}
    assert statuses(media(image, "--media-static", ".")) == {}


def test_other_yaml_is_left_alone(media, pytester, image):
    write(pytester, "other.yaml", "name: x\n")
    outcome = media(image, "--media-static", "other.yaml")
    assert statuses(outcome) == {}
    assert "other.yaml" in outcome.text


def test_a_policy_names_files(media, pytester, image, workers):
    write(pytester, "ci/structure/one.yaml", EXISTENCE)
    write(pytester, "ci/two.json", '{"schemaVersion": "2.0.0",\n"metadataTest": {"user": "1000"}}')
    write(pytester, "ci/policy.yaml", "version: 1\ncompat: {structure: [structure/*.yaml, two.json]}\n")
    outcome = media(image, *workers, "--media-static", "--media-policy=ci/policy.yaml")
    assert statuses(outcome) == {
        "ci/structure/one.yaml::file existence: passwd": "passed",
        "ci/structure/one.yaml::file existence: shadow": "failed",
        "ci/two.json::metadata": "passed",
    }
    assert outcome.statuses()["config.user"] == "passed"


def test_a_file_that_policy_and_command_line_name_is_collected_once(media, pytester, image):
    write(pytester, "structure.yaml", EXISTENCE)
    write(pytester, "mediaimage.yaml", "version: 1\ncompat: {structure: [structure.yaml]}\n")
    outcome = media(image, "--media-static", "--media-policy=mediaimage.yaml", "structure.yaml")
    checks = [item["check"] for item in outcome.report["results"]]
    assert checks.count("structure.yaml::file existence: passwd") == 1


def test_a_check_that_is_chosen_brings_no_file_along(media, pytester, image):
    write(pytester, "structure.yaml", EXISTENCE)
    write(pytester, "mediaimage.yaml", "version: 1\ncompat: {structure: [structure.yaml]}\n")
    assert list(media(image, "--media-static", "mediaimage.yaml::config.user").statuses()) == ["config.user"]


def test_a_pattern_that_finds_nothing_is_a_mistake(media, pytester, image):
    write(pytester, "mediaimage.yaml", "version: 1\ncompat: {structure: [tests/*.yaml]}\n")
    outcome = media(image, "--media-static")
    assert "mediaimage.yaml: compat.structure: there is no file tests/*.yaml" in outcome.text
    assert outcome.code == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schemaVersion: 2.0.0\nfileExistanceTests: []\n", "structure.yaml:2: unknown key 'fileExistanceTests'"),
        ("schemaVersion: 2.0.0\n", "structure.yaml: the file holds no test"),
        ("schemaVersion: 1.0.0\n", "structure.yaml:1: schemaVersion 1.0.0 isn't supported"),
    ],
)
def test_a_mistake_ends_the_collection_without_a_traceback(media, pytester, image, text, message):
    write(pytester, "structure.yaml", text)
    outcome = media(image, "--media-static", "structure.yaml")
    assert message in outcome.text
    assert "Traceback" not in outcome.text and "pytest_mediaimage/" not in outcome.text
    assert outcome.code == 2


def test_commands_skip_where_nothing_is_started(media, pytester, image):
    write(pytester, "structure.yaml", "schemaVersion: 2.0.0\ncommandTests: [{name: a, command: b}]\n")
    outcome = media(image, "--media-static", "structure.yaml")
    assert outcome.result("structure.yaml::command: a")["reason"] == "nothing is started under --media-static"
    assert statuses(outcome) == {"structure.yaml::command: a": "skipped"}


def test_an_option_that_nothing_honours_is_an_error_that_names_it(media, pytester, image):
    options = "containerRunOptions:\n  bindMounts: [/tmp:/tmp]\n"
    write(pytester, "structure.yaml", f"schemaVersion: 2.0.0\ncommandTests: [{{name: a, command: b}}]\n{options}")
    outcome = media(image, "structure.yaml")
    assert "structure.yaml:4: containerRunOptions.bindMounts isn't supported" in outcome.text
    assert statuses(outcome) == {"structure.yaml::command: a": "error"}
    assert outcome.code == 1


def test_tests_of_one_name_stay_apart(media, pytester, image):
    tests = "".join(f"- {{name: 'a::b', path: /etc/{name}}}\n" for name in ("passwd", "shadow"))
    write(pytester, "structure.yaml", f"schemaVersion: 2.0.0\nfileExistenceTests:\n{tests}")
    outcome = media(image, "--media-static", "structure.yaml", "-v")
    assert "structure.yaml::file existence: a:b[" in outcome.text
    assert "structure.yaml::file existence: a:b (2)[" in outcome.text


def test_what_a_layer_deletes_or_brings_is_blamed_on_it(media, pytester, write_layout):
    layers = [
        layer([Item("etc/passwd", b"root:x:0:0::/:/bin/sh\n"), Item("etc/shadow", b"x")], "COPY etc /etc"),
        layer([Item("etc/.wh.shadow"), Item("app/settings", b"debug=1\n")], "RUN rm /etc/shadow"),
    ]
    write(
        pytester,
        "structure.yaml",
        EXISTENCE + "fileContentTests: [{name: settings, path: /app/settings, excludedContents: [debug]}]\n",
    )
    outcome = media(write_layout(layers), "--media-static", "structure.yaml")
    assert outcome.messages("structure.yaml::file existence: shadow") == [
        "/etc/shadow isn't in the image; layer 2 takes it away"
    ]
    found = outcome.result("structure.yaml::file content: settings")["findings"][0]
    assert found["message"] == "'debug', which is excluded, was found in /app/settings, line 1: 'debug'"
    assert found["created_by"] == "RUN rm /etc/shadow"


def test_a_long_name_is_cut(media, pytester, image):
    write(pytester, "structure.yaml", f"schemaVersion: 2.0.0\nfileExistenceTests: [{{name: {'n' * 500}, path: /x}}]\n")
    outcome = media(image, "--media-static", "structure.yaml")
    assert [len(check) for check in outcome.statuses()] == [len("structure.yaml::") + 120]
    assert outcome.code == 1
