import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pyotp
import pytest
import segno

from adapters.security.totp import PyotpCodes
from tests.builders import NOON

CODES = PyotpCodes()
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""`12345678901234567890`, which the tables of the RFC are made with."""
STEP = timedelta(seconds=30)
PRESENT_STEP = int(NOON.timestamp()) // 30


def code_at(at: datetime) -> str:
    return pyotp.TOTP(SECRET).at(at)


@pytest.mark.parametrize(
    ("seconds", "digits"),
    [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ],
)
def test_the_vectors_of_rfc_6238_are_met(seconds: int, digits: str) -> None:
    """Appendix B has eight digits; six are the last six of them (RFC 4226 section 5.3)."""
    at = datetime.fromtimestamp(seconds, UTC)
    assert CODES.step_of(SECRET, digits[-6:], at=at) == seconds // 30
    assert CODES.step_of(SECRET, digits, at=at) is None


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_a_clock_may_be_a_step_off(late: int) -> None:
    assert CODES.step_of(SECRET, code_at(NOON + late * STEP), at=NOON) == PRESENT_STEP + late


@pytest.mark.parametrize("late", [-3, -2, 2, 3])
def test_a_clock_may_not_be_two_steps_off(late: int) -> None:
    assert CODES.step_of(SECRET, code_at(NOON + late * STEP), at=NOON) is None


def test_a_step_has_thirty_seconds() -> None:
    last = NOON + STEP - timedelta(microseconds=1)
    assert CODES.step_of(SECRET, code_at(NOON), at=last) == PRESENT_STEP
    assert code_at(last) != code_at(NOON + STEP)


RIGHT = code_at(NOON)


@pytest.mark.parametrize(
    "code",
    [
        "",
        RIGHT[:-1],
        RIGHT + "0",
        f"0{RIGHT}",
        f" {RIGHT}",
        f"{RIGHT}\n",
        f"{RIGHT[:3]} {RIGHT[3:]}",
        f"+{RIGHT[1:]}",
        RIGHT * 10_000,
        "9" * 10_000,
        RIGHT.translate({ord("0") + digit: 0x660 + digit for digit in range(10)}),
        RIGHT.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)}),
        RIGHT.translate({ord("0") + digit: 0x966 + digit for digit in range(10)}),
        "²³¹²³¹",
        "\x00" * 6,
        "\ud800" * 6,
        "abcdef",
    ],
    ids=range(17),
)
def test_what_is_not_six_digits_is_no_code(code: str) -> None:
    assert CODES.step_of(SECRET, code, at=NOON) is None


def test_the_code_of_another_secret_is_none() -> None:
    assert CODES.step_of(CODES.new_secret(), RIGHT, at=NOON) is None


def test_each_secret_has_160_bits_of_its_own() -> None:
    secrets = {CODES.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(pyotp.TOTP(secret).byte_secret()) for secret in secrets} == {20}


def test_an_app_reads_everything_from_the_uri() -> None:
    uri = CODES.uri(SECRET, account="ada+portico@example.com", issuer="Portico & Söhne")
    read = pyotp.parse_uri(uri)
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.name, read.issuer) == (SECRET, "ada+portico@example.com", "Portico & Söhne")
    assert (read.digits, read.interval, read.digest().name) == (6, 30, "sha1")


SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: ElementTree.Element) -> set[tuple[int, int]]:
    """Which modules are dark, by column and row: each `h` draws a run of them, each `m` skips the light ones."""
    (path,) = svg.iter(f"{SVG}path")
    column, row, dark = 0, 0, set()
    for command, x, y in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path.attrib["d"]):
        if command == "h":
            dark |= {(each, row) for each in range(column, column + int(x))}
        column += int(x)
        row += int(float(y or 0))
    return dark


def test_the_picture_is_an_svg_that_shows_the_uri() -> None:
    uri = CODES.uri(SECRET, account="ada@example.com", issuer="Portico")
    svg = ElementTree.fromstring(CODES.qr_svg(uri))  # noqa: S314 (we have just drawn it)
    assert svg.tag == f"{SVG}svg"
    modules = segno.make(uri, micro=False, error="m").matrix_iter(border=4)
    assert drawn(svg) == {(x, y) for y, row in enumerate(modules) for x, is_dark in enumerate(row) if is_dark}
