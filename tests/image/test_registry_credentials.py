"""Where credentials are found: in the files of Docker and of containers/image, and by asking helpers."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.registry import isolate

from pytest_mediaimage.errors import ToolUnavailable, UsageError
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.registry import credentials as module
from pytest_mediaimage.image.registry.credentials import Credentials, find_credentials
from pytest_mediaimage.image.registry.repository import Repository

NAME = "registry.example.com/org/media/ffmpeg"
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    isolate(monkeypatch, tmp_path)
    return tmp_path


def find(name: str = NAME) -> Credentials | None:
    return find_credentials(Repository.of(Reference.parse(name)))


def user(name: str = NAME) -> str | None:
    found = find(name)
    return None if found is None else found.user


def entry(name: str, password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document) if not isinstance(document, str) else document)
    return path


def helper(home: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = home / "bin" / f"docker-credential-{name}"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("name", "host", "path"),
    [
        ("ffmpeg", "docker.io", "library/ffmpeg"),
        ("org/ffmpeg:1", "docker.io", "org/ffmpeg"),
        ("docker.io/ffmpeg", "docker.io", "library/ffmpeg"),
        ("index.docker.io/org/ffmpeg", "docker.io", "org/ffmpeg"),
        ("registry-1.docker.io/ffmpeg", "docker.io", "library/ffmpeg"),
        ("localhost/ffmpeg", "localhost", "ffmpeg"),
        ("localhost:5000/ffmpeg", "localhost:5000", "ffmpeg"),
        ("build-host:5000/ffmpeg", "build-host:5000", "ffmpeg"),
        ("build-host/ffmpeg", "docker.io", "build-host/ffmpeg"),
        ("Registry.Example.com/ffmpeg", "registry.example.com", "ffmpeg"),
        ("[::1]:5000/a/b", "[::1]:5000", "a/b"),
        ("registry.example.com/ffmpeg", "registry.example.com", "ffmpeg"),
    ],
)
def test_which_registry_a_name_means(name: str, host: str, path: str) -> None:
    repository = Repository.of(Reference.parse(name))
    assert (repository.host, repository.path) == (host, path)
    assert repository.address == ("registry-1.docker.io" if host == "docker.io" else host)


def test_the_files_in_their_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find() is None
    places = [
        home / ".config" / "containers" / "auth.json",
        home / "run" / "containers" / "auth.json",
        home / ".docker" / "config.json",
    ]
    for number, path in enumerate(places):
        write(path, {"auths": {"registry.example.com": entry(f"user{number}")}})
        found = find()
        assert found is not None
        assert (found.user, found.password, found.origin) == (f"user{number}", SECRET, str(path))
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "elsewhere"))
    assert user() == "user1"  # it stands for ~/.docker, as for Docker
    write(home / "elsewhere" / "config.json", {"auths": {"registry.example.com": entry("user3")}})
    assert user() == "user3"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(write(home / "mine", {"auths": {"registry.example.com": entry("u")}})))
    assert user() == "u"
    assert user("other.example.com/x") is None


@pytest.mark.parametrize(
    "key",
    [
        "registry.example.com",
        "https://registry.example.com",
        "http://registry.example.com/v1/",
        "https://registry.example.com/v2/",
        "REGISTRY.example.com",
        "registry.example.com/org",
        "registry.example.com/org/media",
        "registry.example.com/org/media/ffmpeg",
    ],
)
def test_a_key_that_means_the_registry(key: str, home: Path) -> None:
    write(home / ".docker" / "config.json", {"auths": {key: entry("me")}})
    assert user() == "me"


@pytest.mark.parametrize(
    "key", ["example.com", "registry.example.com:443", "registry.example.com/or", "registry.example.com/org/media/f"]
)
def test_a_key_that_means_another(key: str, home: Path) -> None:
    write(home / ".docker" / "config.json", {"auths": {key: entry("me")}})
    assert user() is None


def test_the_longest_key_wins(home: Path) -> None:
    keys = ("registry.example.com", "registry.example.com/org", "registry.example.com/org/media")
    write(home / ".docker" / "config.json", {"auths": {key: entry(key.replace("/", "-")) for key in keys}})
    assert user() == "registry.example.com-org-media"
    assert user("registry.example.com/org/x") == "registry.example.com-org"
    assert user("registry.example.com/x") == "registry.example.com"


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_by_all_its_names(key: str, home: Path) -> None:
    write(home / ".docker" / "config.json", {"auths": {key: entry("me")}})
    assert user("ffmpeg") == user("docker.io/org/ffmpeg") == "me"


def test_kinds_of_entries(home: Path) -> None:
    path = home / ".docker" / "config.json"
    write(path, {"auths": {"registry.example.com": {"username": "u", "password": "p:q"}}})
    found = find()
    assert found is not None and (found.user, found.password) == ("u", "p:q")
    assert found.basic == "Basic " + base64.b64encode(b"u:p:q").decode()
    write(path, {"auths": {"registry.example.com": {**entry("0", ""), "identitytoken": "id"}}})
    found = find()
    assert found is not None and (found.identity_token, found.basic) == ("id", "")
    write(path, {"auths": {"registry.example.com": {}}, "HttpHeaders": {"x": "y"}})
    assert find() is None
    write(path, "")
    assert find() is None


def test_nothing_secret_is_printed() -> None:
    credentials = Credentials("a file", "me", SECRET, "identity", "token")
    assert (
        SECRET not in repr(credentials) and "identity'" not in repr(credentials) and "token'" not in repr(credentials)
    )


MALFORMED = {
    "no json": f'{{"auths": "{SECRET}',
    "a list": f'["{SECRET}"]',
    "auths is a list": f'{{"auths": ["{SECRET}"]}}',
    "an entry is a string": f'{{"auths": {{"registry.example.com": "{SECRET}"}}}}',
    "auth is a number": '{"auths": {"registry.example.com": {"auth": 1}}}',
    "auth is no base64": f'{{"auths": {{"registry.example.com": {{"auth": "{SECRET}!"}}}}}}',
    "auth has no colon": '{"auths": {"registry.example.com": {"auth": "aHVudGVyMg=="}}}',
    "helpers are a list": f'{{"credHelpers": ["{SECRET}"]}}',
    "the helper is a path": '{"credsStore": "../../bin/sh"}',
    "the helper is a number": '{"credHelpers": {"registry.example.com": 1}}',
    "nested too deep": "[" * 100_000,
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_file_is_named(kind: str, home: Path) -> None:
    path = write(home / ".docker" / "config.json", MALFORMED[kind])
    with pytest.raises(UsageError) as caught:
        find()
    assert str(path) in caught.value.message and caught.value.remedy
    assert SECRET not in str(caught.value) and "aHVudGVyMg" not in str(caught.value)


def test_a_file_that_can_not_be_read(home: Path) -> None:
    (home / ".docker" / "config.json").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"config\.json can't be read: Is a directory"):
        find()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["auth", "username", "password"]) | st.text(), inner)
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.dictionaries(st.sampled_from(["auths", "x"]), st.dictionaries(st.just("registry.example.com"), JSON) | JSON))
def test_any_file(home: Path, document: Any) -> None:
    write(home / ".docker" / "config.json", document)
    try:
        found = find()
    except UsageError:
        return
    assert found is None or found.basic or found.identity_token or found.registry_token


def test_a_helper_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = json.dumps({"ServerURL": "x", "Username": "me", "Secret": SECRET})
    helper(home, "one", f"cat >{home}/asked; echo \"$@\" >>{home}/asked; echo '{said}'", monkeypatch)
    write(home / ".docker" / "config.json", {"credHelpers": {"registry.example.com": "one"}})
    found = find()
    assert found is not None
    assert (found.user, found.password, found.origin) == ("me", SECRET, "docker-credential-one")
    assert (home / "asked").read_text() == "registry.example.comget\n"
    assert user("other.example.com/x") is None


def test_a_store_is_asked_for_every_registry(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(home, "all", """printf '{"Username": "%s", "Secret": "x"}' "$(cat)" """, monkeypatch)
    helper(home, "one", """cat >/dev/null; echo '{"Username": "<token>", "Secret": "id"}'""", monkeypatch)
    write(home / ".docker" / "config.json", {"credsStore": "all", "credHelpers": {"registry.example.com": "one"}})
    assert user("other.example.com/x") == "other.example.com"
    assert user("ffmpeg") == "https://index.docker.io/v1/"
    found = find()
    assert found is not None and (found.identity_token, found.password) == ("id", "")


@pytest.mark.parametrize("where", [1, 2])
def test_a_helper_that_has_nothing(where: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(home, "one", f"echo credentials not found in native keychain >&{where}; exit 1", monkeypatch)
    path = home / ".docker" / "config.json"
    write(path, {"credsStore": "one"})
    assert find() is None
    write(path, {"credsStore": "one", "auths": {"registry.example.com": entry("me")}})
    assert user() == "me"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (f"echo {SECRET}; echo {SECRET} >&2; exit 3", "failed with exit code 3"),
        (f"echo {SECRET}", "without Username and Secret"),
        (f"echo '[\"{SECRET}\"]'", "without Username and Secret"),
        (f'echo \'{{"Username": 1, "Secret": "{SECRET}"}}\'', "without Username and Secret"),
    ],
)
def test_a_helper_that_breaks(script: str, words: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(home, "one", f"cat >/dev/null; {script}", monkeypatch)
    path = write(home / ".docker" / "config.json", {"credsStore": "one"})
    with pytest.raises(ToolUnavailable, match=words) as caught:
        find()
    assert "docker-credential-one" in caught.value.message and str(path) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_helper_that_waits_for_ever(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELPER_SECONDS", 0.2)
    helper(home, "slow", "exec sleep 60", monkeypatch)
    write(home / ".docker" / "config.json", {"credsStore": "slow"})
    with pytest.raises(ToolUnavailable, match=r"docker-credential-slow.*did not answer within 0\.2 s"):
        find()


def test_a_helper_that_is_missing(home: Path) -> None:
    write(home / ".docker" / "config.json", {"credsStore": "desktop-of-nobody"})
    with pytest.raises(ToolUnavailable, match=r"docker-credential-desktop-of-nobody, which .* isn't installed"):
        find()
