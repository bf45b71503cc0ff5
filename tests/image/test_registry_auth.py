"""Who may pull: passwords and tokens, with the real registry and with servers that ask for odd things."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_helpers import AMD64, write_layout
from support.registry import Call, Certificate, Fake, Server, isolate, make_certificate, registry, serving

from pytest_mediaimage.errors import RegistryDenied, RegistryUnavailable
from pytest_mediaimage.image.build import Item, layer
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.registry.auth import parse_challenges
from pytest_mediaimage.image.sources import Opening, open_image

USER, PASSWORD = "reader", "s3cret:with:colons"
# bcrypt of the password, as `htpasswd -B` writes it.
HTPASSWD = f"{USER}:$2y$04$hNwm352YbA/PN/M4L3vV8e/C65Z6P8D/I0HrgU2esVTl8BXQHgwYS\n"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LAYERS = [layer([Item("a", b"1" * 3000)], "one"), layer([Item("b", b"2" * 3000)], "two")]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_layout(tmp_path_factory.mktemp("auth") / "layout", LAYERS)


def pull(address: str, cache: Path, name: str = "org/ffmpeg:1") -> Image:
    image = open_image(Reference.parse(f"registry:{address}/{name}"), AMD64, Opening(cache))
    assert [file.path for file in image.files] == ["/a", "/b"]
    return image


def log_in(home: Path, host: str, **entry: str) -> Path:
    """What `docker login` leaves."""
    file = home / ".docker" / "config.json"
    file.parent.mkdir(exist_ok=True)
    entry = entry or {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    file.write_text(json.dumps({"auths": {host: entry}}))
    return file


def denied(address: str, cache: Path, words: str) -> RegistryDenied:
    with pytest.raises(RegistryDenied, match=words) as caught:
        pull(address, cache)
    assert PASSWORD not in str(caught.value) and BASIC[6:] not in str(caught.value)
    assert f"docker login {address}" in caught.value.remedy
    return caught.value


def test_a_password_is_asked_for(layout: Path, tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "tests", "path": str(tmp_path / "htpasswd")}}
    (tmp_path / "registry").mkdir()
    with registry(tmp_path / "registry", auth=auth) as started:
        started.headers["Authorization"] = BASIC
        started.push(layout, "org/ffmpeg", "1")
        denied(started.address, tmp_path, "asks for a user and a password.*there are no credentials")
        log_in(tmp_path, started.address)
        pull(started.address, tmp_path / "cache")
        file = log_in(tmp_path, started.address, username=USER, password="wrong")
        denied(started.address, tmp_path / "other", f"refuses.*with the credentials from {file}")


class TokenServer:
    """Gives tokens as a distribution registry asks for them, to the one who knows the password."""

    def __init__(self, certificate: Certificate) -> None:
        self.certificate = certificate
        self.anonymous = False

    def __call__(self, call: Call) -> None:
        query = parse_qs(urlsplit(call.path).query)
        if call.headers.get("Authorization") != BASIC and not self.anonymous:
            return call.answer(401, b'{"details": "incorrect username or password"}')
        kind, name, actions = query["scope"][0].split(":")
        access = [{"type": kind, "name": name, "actions": actions.split(",")}]
        return call.answer(200, json.dumps({"token": self.sign(query["service"][0], access)}).encode())

    def sign(self, service: str, access: list[Any]) -> str:
        now = int(time.time())
        chain = re.sub(r"-----.*?-----|\s", "", self.certificate.file.read_text())
        header = {"typ": "JWT", "alg": "RS256", "x5c": [chain]}
        claims = {"iss": "tests", "sub": USER, "aud": service, "iat": now, "nbf": now - 9, "exp": now + 300}
        text = b".".join(_b64(json.dumps(part).encode()) for part in (header, {**claims, "jti": "1", "access": access}))
        command = ["openssl", "dgst", "-sha256", "-sign", self.certificate.key]
        signed = subprocess.run(command, input=text, capture_output=True, check=True).stdout
        return (text + b"." + _b64(signed)).decode()


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def test_a_token_is_fetched(layout: Path, tmp_path: Path) -> None:
    tokens = TokenServer(make_certificate(tmp_path))
    (tmp_path / "registry").mkdir()
    with serving(tokens) as realm:
        auth = {
            "token": {
                "realm": f"{realm.url}/token",
                "service": "the registry",
                "issuer": "tests",
                "rootcertbundle": str(tokens.certificate.file),
            }
        }
        with registry(tmp_path / "registry", auth=auth) as started:
            right = [{"type": "repository", "name": "org/ffmpeg", "actions": ["push", "pull"]}]
            started.headers["Authorization"] = f"Bearer {tokens.sign('the registry', right)}"
            started.push(layout, "org/ffmpeg", "1")
            denied(started.address, tmp_path / "1", f"{realm.address} gives no token to pull {started.address}/org/ff")
            tokens.anonymous = True
            pull(started.address, tmp_path / "2")
            tokens.anonymous = False
            log_in(tmp_path, started.address)
            realm.asked.clear()
            pull(started.address, tmp_path / "3")
    assert [(asked.method, asked.headers.get("Authorization")) for asked in realm.asked] == [("GET", BASIC)]
    query = parse_qs(urlsplit(realm.asked[0].path).query)
    assert query == {"service": ["the registry"], "scope": ["repository:org/ffmpeg:pull"], "account": [USER]}


class Guarded(Fake):
    """A fake registry that lets in who shows one of `valid`, and says `challenge` to the others."""

    valid: tuple[str, ...] = ()
    challenge = ""

    def __call__(self, call: Call) -> None:
        if call.path != "/v2/" and call.headers.get("Authorization") not in self.valid:
            return call.answer(401, b"{}", WWW_Authenticate=self.challenge)
        return super().__call__(call)


@contextmanager
def guarded(layout: Path, give: Callable[[Call], None], *valid: str) -> Iterator[tuple[Server, Server]]:
    """A registry, and the server that gives tokens for it."""
    fake = Guarded(layout)
    fake.valid = valid
    with serving(fake) as server, serving(give) as realm:
        fake.challenge = f'Bearer realm="{realm.url}/token",service="x y",scope="repository:org/ffmpeg:pull"'
        yield server, realm


def giving(**document: object) -> Callable[[Call], None]:
    return lambda call: call.answer(200, json.dumps(document).encode())


@pytest.mark.parametrize("name", ["token", "access_token"])
def test_one_token_serves_for_all_requests(name: str, layout: Path, tmp_path: Path) -> None:
    with guarded(layout, giving(**{name: "t"}), "Bearer t") as (server, realm):
        pull(server.address, tmp_path)
    assert len(realm.asked) == 1
    assert realm.asked[0].headers.get("Authorization") is None
    assert {asked.headers.get("Authorization") for asked in server.asked if "/blobs/" in asked.path} == {"Bearer t"}


def test_a_token_that_runs_out_is_renewed(layout: Path, tmp_path: Path) -> None:
    """Each is good for two requests."""
    given: list[str] = []
    shown: list[str] = []
    lock, fake = threading.Lock(), Fake(layout)

    def give(call: Call) -> None:
        with lock:
            given.append(f"t{len(given)}")
        call.answer(200, json.dumps({"token": given[-1]}).encode())

    def respond(call: Call) -> None:
        token = call.headers.get("Authorization", "").removeprefix("Bearer ")
        with lock:
            shown.append(token)
            good = token in given and shown.count(token) <= 2
        if call.path == "/v2/" or good:
            return fake(call)
        return call.answer(401, b"{}", WWW_Authenticate=f'Bearer realm="{realm.url}/token"')

    with serving(respond) as server, serving(give) as realm:
        pull(server.address, tmp_path)
    assert len(given) == 3  # the tag, its manifest; the configuration, a layer; a layer


def test_an_identity_token_buys_a_token(layout: Path, tmp_path: Path) -> None:
    with guarded(layout, giving(access_token="t"), "Bearer t") as (server, realm):
        log_in(tmp_path, server.address, auth=base64.b64encode(b"00000000:").decode(), identitytoken="long lived")
        pull(server.address, tmp_path)
    assert [(asked.method, asked.path) for asked in realm.asked] == [("POST", "/token")]
    form = parse_qs(realm.asked[0].body.decode())
    assert form["grant_type"] == ["refresh_token"]
    assert form["refresh_token"] == ["long lived"]
    assert (form["service"], form["scope"]) == (["x y"], ["repository:org/ffmpeg:pull"])


def test_a_registry_token_is_shown_as_it_is(layout: Path, tmp_path: Path) -> None:
    with guarded(layout, giving(token="unused"), "Bearer mine") as (server, realm):
        log_in(tmp_path, server.address, registrytoken="mine")
        pull(server.address, tmp_path)
    assert realm.asked == []


def test_a_password_is_shown_to_the_realm_alone(layout: Path, tmp_path: Path) -> None:
    with guarded(layout, giving(token="t"), "Bearer t") as (server, realm):
        log_in(tmp_path, server.address)
        pull(server.address, tmp_path)
    assert realm.asked[0].headers["Authorization"] == BASIC
    assert all(asked.headers.get("Authorization") in (None, "Bearer t") for asked in server.asked)


def test_a_realm_that_sends_us_elsewhere_keeps_the_password(layout: Path, tmp_path: Path) -> None:
    with serving(giving(token="t")) as elsewhere:

        def send_on(call: Call) -> None:
            call.answer(307, Location=f"{elsewhere.url}/token")

        with guarded(layout, send_on, "Bearer t") as (server, _):
            log_in(tmp_path, server.address)
            pull(server.address, tmp_path)
    assert [asked.headers.get("Authorization") for asked in elsewhere.asked] == [None]


def test_tokens_that_are_never_right(layout: Path, tmp_path: Path) -> None:
    with guarded(layout, giving(token="t")) as (server, realm):
        denied(server.address, tmp_path, "refuses to let org/ffmpeg be pulled")
    assert len(realm.asked) == 1

    count = iter(range(1000))
    with guarded(layout, lambda call: giving(token=f"t{next(count)}")(call)) as (server, realm):
        denied(server.address, tmp_path, "refuses to let org/ffmpeg be pulled")
    assert len(realm.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>", "a token that is none"),
        (200, b"[]", "a token that is none"),
        (200, b'{"token": ""}', "a token that is none"),
        (200, b'{"token": 1}', "a token that is none"),
        (200, b'{"token": "a\\r\\nX: secret"}', "a token that is none"),
        (200, b'{"token": "' + b"a" * 2_000_000 + b'"}', "a token that is none"),
        (404, b"", "was asked for a token and answered 404"),
        (503, b"", "a token was asked for, but .* answered 503"),
    ],
)
def test_no_token(status: int, body: bytes, words: str, layout: Path, tmp_path: Path) -> None:
    with guarded(layout, lambda call: call.answer(status, body)) as (server, _):
        log_in(tmp_path, server.address)
        with pytest.raises(RegistryUnavailable, match=words) as caught:
            pull(server.address, tmp_path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ("", "refuses us without saying which authorization it wants"),
        ("Negotiate", "by negotiate"),
        ("Bearer", "doesn't say whose"),
        ('Bearer realm="http://192.0.2.1/token"', "refused to send a request to 'http://192.0.2.1'"),
        ('Bearer realm="http://registry.example.com/token"', "refused to send a request"),
        ('Bearer realm="file:///etc/passwd"', "refused to send a request"),
        ('Bearer realm="https://[::1/"', "refused to send a request"),
        ('Basic realm="x"', "asks for a user and a password"),
    ],
)
def test_challenges_that_lead_nowhere(challenge: str, words: str, layout: Path, tmp_path: Path) -> None:
    fake = Guarded(layout)
    fake.challenge = challenge
    with serving(fake) as server, pytest.raises(RegistryUnavailable, match=words):
        pull(server.address, tmp_path)


def test_a_password_never_goes_out_in_clear(layout: Path, tmp_path: Path) -> None:
    fake = Guarded(layout)
    fake.challenge = 'Bearer realm="http://192.0.2.1/token",service="x"'
    with serving(fake) as server:
        log_in(tmp_path, server.address)
        with pytest.raises(RegistryUnavailable, match="refused to send a request") as caught:
            pull(server.address, tmp_path)
    assert PASSWORD not in repr(caught.value)


def test_forbidden(layout: Path, tmp_path: Path) -> None:
    body = b'{"errors": [{"code": "DENIED", "message": "ask\\u001b[31m your admin"}]}'
    with serving(Fake(layout, {"/manifests/": lambda call: call.answer(403, body)})) as server:
        error = denied(server.address, tmp_path, r"refuses to let org/ffmpeg be pulled: DENIED: ask\?\[31m your admin")
    assert "\x1b" not in str(error)


def test_challenges_as_they_are_written() -> None:
    text = 'Bearer realm="https://auth.example.com/t?a=\\"b\\"",service=reg.example.com , scope="a,b", Basic realm="x"'
    bearer, basic = parse_challenges([text])
    assert bearer.scheme == "bearer"
    assert bearer.parameters == {
        "realm": 'https://auth.example.com/t?a="b"',
        "service": "reg.example.com",
        "scope": "a,b",
    }
    assert (basic.scheme, basic.parameters) == ("basic", {"realm": "x"})
    assert [c.scheme for c in parse_challenges(["Negotiate", 'BASIC realm=""', "Digest a=1"])] == [
        "negotiate",
        "basic",
        "digest",
    ]


@given(st.lists(st.text(st.sampled_from('aB =",\\;\t\0é')) | st.text()))
def test_any_challenge(values: list[str]) -> None:
    for challenge in parse_challenges(values):
        assert challenge.scheme == challenge.scheme.lower()
