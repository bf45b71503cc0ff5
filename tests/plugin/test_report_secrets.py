"""No report shows a credential of the image, while the image's own data stay what they are."""

from __future__ import annotations

import random
import string

from pytest_mediaimage.image.build import Item, layer

MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"


def chance(length: int, seed: int) -> str:
    """Characters that nobody has as a secret: made here, of a known seed."""
    return "".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))


TOKEN = f"ghp_{chance(36, 1)}"
PASSWORD = f"{chance(12, 2)}7q"
URL_PASSWORD = chance(20, 3)
KEY = chance(400, 4)
SECRETS = (TOKEN, PASSWORD, URL_PASSWORD, KEY)

ARGUMENTS = f"RUN |2 TOKEN={TOKEN} DB_PASSWORD={PASSWORD} /bin/sh -c make # buildkit"
# Where an instruction is cut, the token has begun.
LONG = f"RUN /bin/sh -c {'x' * 70} -H 'Bearer {TOKEN}'"
HEREDOC = f"RUN cat > key <<E\n-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n-----END RSA PRIVATE KEY-----\nE"
POLICY = """\
version: 1
size: {unpacked: 1MB, layer: 1MB, compressed: 1kB}
layers: {waste: 1%, count: 1}
severity: {layers.waste: error}
"""


def pieces(secret: str) -> list[str]:
    """What must not be read: the first four characters may, of a long one."""
    return [secret[4:16], secret[-8:]]


def test_no_report_shows_a_credential(media, write_layout, pytester, workers):
    (pytester.path / "mediaimage.yaml").write_text(POLICY)
    pytester.makepyfile(
        test_own=f"""
        def test_the_instruction_is_the_truth(media_image):
            assert media_image.layers[0].created_by == {ARGUMENTS!r}
        """
    )
    layers = [
        layer([Item(f"app/{number}", MP4 + bytes(6_000_000 + number))], instruction)
        for number, instruction in enumerate((ARGUMENTS, LONG, HEREDOC))
    ]
    layers.append(layer([Item("app/.wh.0"), Item("app/.wh.1")], ARGUMENTS))
    image = write_layout(
        layers,
        Env=[
            f"GITHUB={TOKEN}",
            f"DB_PASSWORD={PASSWORD}",
            f"PATH=/usr/bin:bin:{TOKEN}",
            f"LD_LIBRARY_PATH=/opt/{PASSWORD}",
            f"LD_PRELOAD=/opt/{PASSWORD}.so",
            f"INDEX=https://build:{URL_PASSWORD}@pypi.corp.net/simple",
        ],
        Labels={"org.opencontainers.image.source": f"https://build:{URL_PASSWORD}@git.corp.net/x"},
        Entrypoint=["/usr/bin/serve", f"--token={TOKEN}"],
        Cmd=[PASSWORD],
    )
    written = ["--media-report=markdown:media.md", "--media-report=sarif:media.sarif", "--junit-xml=junit.xml"]
    outcome = media(image, "--media-static", "test_own.py", "mediaimage.yaml", *written, *workers)
    assert outcome.pytest.parseoutcomes()["passed"] and "test_the_instruction_is_the_truth" not in outcome.text
    instructions = [item["created_by"] for item in outcome.report["images"][0]["layers"]]
    assert instructions[0] == "RUN |2 TOKEN=ghp_… DB_PASSWORD=… /bin/sh -c make # buildkit".replace(
        "PASSWORD=", f"PASSWORD={PASSWORD[0]}"
    )
    for check in ("contents.media", "size.layer", "size.unpacked", "layers.waste", "config.secrets", "config.env"):
        assert outcome.result(check)["findings"], check
    update = media(image, "--media-static", "--media-update-known", "-k", "contents or layers or size or config")

    told = {
        name: (pytester.path / name).read_text() for name in ("report.json", "media.md", "media.sarif", "junit.xml")
    }
    told |= {"terminal": outcome.text, "later terminal": update.text}
    told["known"] = (pytester.path / "mediaimage-known.yaml").read_text()
    for name, text in told.items():
        for secret in SECRETS:
            assert [piece for piece in pieces(secret) if piece in text] == [], name


def test_the_fingerprint_of_a_finding_does_not_hang_on_the_secret(media, write_layout, pytester):
    (pytester.path / "mediaimage.yaml").write_text(POLICY)
    prints = set()
    for seed in (5, 6):
        instruction = ARGUMENTS.replace(TOKEN, f"ghp_{chance(36, seed)}")
        layers = [layer([Item("app/a", bytes(3_000_000))], instruction)]
        finding = media(write_layout(layers), "--media-static", "-k", "size.layer").result("size.layer")["findings"][0]
        prints.add(finding["fingerprint"])
    assert len(prints) == 1
