"""Servers that stall or send us elsewhere, certificates, proxies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from image_helpers import AMD64
from registry_helpers import LAYERS, LENGTH, Respond, fails, layer_digest, pull, write
from support.registry import Call, Fake, Server, isolate, make_certificate, serving, stall

from pytest_mediaimage.errors import RegistryUnavailable, UsageError
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.registry import certificates, faults
from pytest_mediaimage.image.sources import Opening, open_image


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("registry") / "layout")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "READ_SECONDS", 1.0)
    monkeypatch.setattr(faults, "ATTEMPTS", 2)


@pytest.mark.parametrize(
    ("part", "step"),
    [
        ("/manifests/1", "the digest of .*/org/ffmpeg:1"),
        ("/blobs/", r"the blob sha256:\w+ of .*/org/ffmpeg"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_server_that_says_nothing(part: str, step: str, layout: Path, tmp_path: Path) -> None:
    with serving(Fake(layout, {part: stall})) as server:
        fails(server, tmp_path, RegistryUnavailable, rf"{step}: .* sent nothing for 1 s \(2 attempts\)")


@pytest.mark.usefixtures("impatient")
def test_a_server_that_falls_silent_in_the_middle(layout: Path, tmp_path: Path) -> None:
    def respond(call: Call) -> None:
        call.begin(200, Content_Length=str(LENGTH))
        call.wfile.write(LAYERS[0].data[:5000])
        stall(call)

    with serving(Fake(layout, {layer_digest(layout): respond})) as server:
        fails(server, tmp_path, RegistryUnavailable, r"sent nothing for 1 s \(byte 5000\) \(2 attempts\)")


@pytest.mark.usefixtures("impatient")
def test_a_server_that_drips_is_stalled(layout: Path, tmp_path: Path) -> None:
    def respond(call: Call) -> None:
        call.begin(200, Content_Length=str(LENGTH))
        for byte in LAYERS[0].data:
            call.wfile.write(bytes([byte]))
            if call.server.stopping.wait(0.02):
                return call.drop()

    with serving(Fake(layout, {layer_digest(layout): respond})) as server:
        fails(server, tmp_path, RegistryUnavailable, r"sent only \d+ bytes in")


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1:1 can't be reached: Connection refused"):
        open_image(Reference.parse("registry:127.0.0.1:1/x"), AMD64, Opening(tmp_path))
    with pytest.raises(RegistryUnavailable, match=r"registry\.invalid can't be reached: ") as caught:
        open_image(Reference.parse("registry:registry.invalid/x"), AMD64, Opening(tmp_path))
    assert "object at 0x" not in str(caught.value)
    with pytest.raises(RegistryUnavailable):
        open_image(Reference.parse(f"registry:{'a' * 64}.example/x"), AMD64, Opening(tmp_path))


def test_redirects_are_followed_without_what_is_secret(layout: Path, tmp_path: Path) -> None:
    fake = Fake(layout)
    with serving(fake) as storage:

        def send_on(call: Call) -> None:
            if "twice" not in call.path:  # first within the registry, which may see the token
                return call.answer(307, Location=f"{call.path}?twice")
            assert call.headers["Authorization"] == "Bearer mine"
            return call.answer(302, Location=f"{storage.url}{call.path.partition('?')[0]}")

        def guard(call: Call) -> None:
            if call.headers.get("Authorization") != "Bearer mine":
                return call.answer(401, WWW_Authenticate='Bearer realm="x"')
            return Fake(layout, {"/blobs/": send_on})(call)

        with serving(guard) as server:
            log_in = {"auths": {server.address: {"registrytoken": "mine"}}}
            (tmp_path / "auth.json").write_text(json.dumps(log_in))
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
                pull(server, tmp_path / "cache")
    assert len(storage.paths()) >= 2
    assert all("Authorization" not in asked.headers for asked in storage.asked)


def test_a_link_that_has_run_out_is_asked_for_again(layout: Path, tmp_path: Path) -> None:
    """The storage hangs up in the middle, and knows the old link no more."""
    given: list[str] = []
    data = LAYERS[0].data

    def store(call: Call) -> None:
        if call.path != f"/{len(given)}" or call.path in [asked.path for asked in storage.asked[:-1]]:
            return call.answer(403, b"<Error><Code>ExpiredToken</Code></Error>", Content_Type="application/xml")
        start = int(call.headers.get("Range", "bytes=0-")[6:-1])
        call.begin(
            206 if start else 200,
            Content_Length=str(len(data) - start),
            **({"Content_Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}),
        )
        call.wfile.write(data[start : start + 1_000_000])
        return call.drop()

    with serving(store) as storage:

        def give(call: Call) -> None:
            given.append(call.headers.get("Range", ""))
            call.answer(307, Location=f"{storage.url}/{len(given)}")

        with serving(Fake(layout, {layer_digest(layout): give})) as server:
            _ = open_image(Reference.parse(f"registry:{server.address}/x"), AMD64, Opening(tmp_path)).tree
    assert given == ["", "bytes=1000000-"]


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://registry.example.com/x", "refused to send a request to 'http://registry.example.com'"),
        ("http://192.0.2.1/x", "refused to send a request"),
        ("ftp://127.0.0.1/x", "refused to send a request"),
        ("file:///etc/passwd", "refused to send a request"),
        ("https://[::1", "refused to send a request"),
        ("https://user\x1b[31m@ho st/", "refused to send a request"),
        ("//:99999/", "refused to send a request"),
        ("?again", "redirects more than 10 times"),
    ],
)
def test_redirects_that_nobody_should_follow(location: str, words: str, layout: Path, tmp_path: Path) -> None:
    with serving(Fake(layout, {"/blobs/": lambda call: call.answer(307, Location=location)})) as server:
        said = fails(server, tmp_path, RegistryUnavailable, words)
        assert "\x1b" not in said
        assert len(server.asked) < 30


def test_a_storage_that_can_not_be_reached_is_told_with_who_sent_us_there(layout: Path, tmp_path: Path) -> None:
    elsewhere = "http://127.0.0.1:1/x"
    with serving(Fake(layout, {"/blobs/": lambda call: call.answer(307, Location=elsewhere)})) as server:
        words = rf"127\.0\.0\.1:1 can't be reached: Connection refused; {server.address} sends us there"
        fails(server, tmp_path, RegistryUnavailable, words)


def test_servers_that_send_us_round_in_circles(layout: Path, tmp_path: Path) -> None:
    with serving(lambda call: call.answer(307, Location=f"{server.url}{call.path}")) as other:
        fake = Fake(layout, {"/blobs/": lambda call: call.answer(307, Location=f"{other.url}{call.path}")})
        with serving(fake) as server:
            fails(server, tmp_path, RegistryUnavailable, "redirects more than 10 times")


def test_https_with_a_certificate_of_ones_own(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_certificate(tmp_path)
    monkeypatch.setattr(certificates, "FOLDERS", (tmp_path / "certs.d",))
    with serving(Fake(layout), certificate=made) as server:
        said = fails(server, tmp_path, RegistryUnavailable, "certificate of .* can't be verified: self")
        assert "SSL_CERT_FILE" in said and "certs.d" in said
        with monkeypatch.context() as patch:
            patch.setenv("SSL_CERT_FILE", str(made.file))
            pull(server, tmp_path / "1")
        folder = tmp_path / "certs.d" / server.address
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_bytes(made.file.read_bytes())
        pull(server, tmp_path / "2")
        (folder / "ca.crt").write_bytes(b"rubbish")
        fails(server, tmp_path / "3", UsageError, r"the certificate .*ca\.crt can't be used")


def test_our_own_certificate_is_shown_to_the_registry_alone(
    layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, mine = make_certificate(tmp_path), make_certificate(tmp_path, client=True)
    monkeypatch.setattr(certificates, "FOLDERS", (tmp_path / "certs.d",))
    shown: dict[str, list[bool]] = {"registry": [], "storage": []}

    def noting(name: str, respond: Respond) -> Respond:
        def note(call: Call) -> None:
            shown[name].append(bool(call.connection.getpeercert()))  # type: ignore[attr-defined]
            respond(call)

        return note

    with serving(noting("storage", Fake(layout)), certificate=made, authority=mine.file) as storage:
        fake = Fake(layout, {"/blobs/": lambda call: call.answer(307, Location=f"{storage.url}{call.path}")})
        with serving(noting("registry", fake), certificate=made, authority=mine.file) as server:
            folder = tmp_path / "certs.d" / server.address
            folder.mkdir(parents=True)
            for name, file in (("ca.crt", made.file), ("client.cert", mine.file), ("client.key", mine.key)):
                (folder / name).write_bytes(file.read_bytes())
            pull(server, tmp_path / "cache")
            (folder / "client.key").unlink()
            fails(server, tmp_path / "other", UsageError, r"client\.cert can't be used.*\.key of the same name")
    assert set(shown["registry"]) == {True}
    assert set(shown["storage"]) == {False}


def test_https_never_becomes_http(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    with serving(Fake(layout)) as plain:
        fake = Fake(layout, {"/blobs/": lambda call: call.answer(307, Location=f"{plain.url}{call.path}")})
        with serving(fake, certificate=made) as server:
            fails(server, tmp_path, RegistryUnavailable, "redirects from https to http")
    assert plain.asked == []


def test_http_is_for_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry elsewhere that speaks no TLS isn't asked in clear."""
    with serving(lambda call: call.answer(200)) as server:
        proxy = Tunnel(server)
        with serving(proxy) as tunnel:
            monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
            with pytest.raises(RegistryUnavailable, match=r"registry\.example\.com:5000 speaks no TLS with us"):
                open_image(Reference.parse("registry:registry.example.com:5000/x"), AMD64, Opening(tmp_path))
    assert server.asked == []


class Tunnel:
    """An HTTP proxy for CONNECT, whose way always leads to one server."""

    def __init__(self, target: Server, password: str = "") -> None:
        self.target, self.password = target, password

    def __call__(self, call: Call) -> None:
        import select
        import socket

        if call.command != "CONNECT":
            return call.answer(400)
        if self.password and call.headers.get("Proxy-Authorization") != self.password:
            return call.answer(407, Proxy_Authenticate="Basic")
        call.begin(200)
        with socket.create_connection(self.target.server_address[:2]) as there:  # type: ignore[arg-type]
            ends = {there: call.connection, call.connection: there}
            while ready := select.select(list(ends), [], [], 10)[0]:
                for end in ready:
                    if not (data := end.recv(65536)):
                        return call.drop()
                    ends[end].sendall(data)
        return call.drop()


def test_a_proxy_is_used(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    with serving(Fake(layout), certificate=made) as server:
        proxy = Tunnel(server, "Basic bWU6cDpAc3M=")  # me:p:@ss
        name = f"registry:localhost.example.com:{server.server_address[1]}/x"
        with serving(proxy) as tunnel:
            monkeypatch.setenv("https_proxy", f"http://me:p%3A%40ss@{tunnel.address}")
            with pytest.raises(
                RegistryUnavailable, match=r"localhost\.example\.com.*can't be verified: Hostname mismatch"
            ):
                open_image(Reference.parse(name), AMD64, Opening(tmp_path))
            assert [asked.path for asked in tunnel.asked] == [name.split(":", 1)[1].removesuffix("/x")]
            pull(server, tmp_path / "cache")  # this machine is asked directly
            assert len(tunnel.asked) == 1
            monkeypatch.setenv("no_proxy", "example.com")
            with pytest.raises(RegistryUnavailable, match=r"localhost\.example\.com:\d+ can't be reached: "):
                open_image(Reference.parse(name), AMD64, Opening(tmp_path))
            assert len(tunnel.asked) == 1
            monkeypatch.delenv("no_proxy")
            monkeypatch.setenv("https_proxy", f"http://me:wrong@{tunnel.address}")
            with pytest.raises(RegistryUnavailable, match=r"by way of the proxy.*407") as caught:
                open_image(Reference.parse(name), AMD64, Opening(tmp_path))
            assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("proxy", ["socks5://me:secret@127.0.0.1:1", "http://[::1:secret", "http://:secret@"])
def test_a_proxy_that_is_none(proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(RegistryUnavailable, match="no http or https address") as caught:
        open_image(Reference.parse("registry:registry.example.com/x"), AMD64, Opening(tmp_path))
    assert "secret" not in str(caught.value)
