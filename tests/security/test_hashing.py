import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import perf_counter, sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.security.hashing import LimitedHasher, PasslibHasher

PASSWORD = "correct horse battery staple"
CHEAP = PasslibHasher(bcrypt_cost=4)
ARGON2 = PasslibHasher(scheme="argon2", bcrypt_cost=4)
HASHERS = [CHEAP, ARGON2]
of_every_scheme = pytest.mark.parametrize("hasher", HASHERS, ids=["bcrypt_sha256", "argon2"])

ANY_TEXT = st.text(st.characters(exclude_categories=[]))

# Each is a hash of PASSWORD, made elsewhere.
LEGACY = {
    "bcrypt": "$2b$04$JJmgctj67gU8NFmSVeelu.l2vRLLV.nsDLGsO5UK15js0ZePekEJO",
    "bcrypt 2y, as PHP writes it": "$2y$04$JJmgctj67gU8NFmSVeelu.l2vRLLV.nsDLGsO5UK15js0ZePekEJO",
    "argon2id of argon2-cffi": (
        "$argon2id$v=19$m=64,t=1,p=1$UjBwY2l2Kr/lEKEqZl9VQA$nRCI8bvrd7Tw9AI1lLz0SEzwwQuB1dLHNnNuBzB7O1o"
    ),
    "pbkdf2-sha256": "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$yqSq2SygY1sB4EcH9f2FG0JTMES.wqLsOT5YmiRBplI",
    "pbkdf2-sha512": (
        "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$5bTW2oeyDJyGJPcmEr.mRDE11ghpozWrDGnSNhRXo2ZCu0KHRDiUMAVEG"
        "zLJC.oDhRoeIja9J1iLIv9ptDJMfQ"
    ),
}


@of_every_scheme
@pytest.mark.parametrize("password", [PASSWORD, "x", "grüße ", "密码密码密码密码密码密码", "😀" * 128, "x" * 4096])
def test_the_password_verifies_and_no_other(hasher: PasslibHasher, password: str) -> None:
    hash = hasher.hash(password)
    assert hasher.verify(password, hash)
    assert not hasher.verify(password + " ", hash)
    assert not hasher.verify("", hash)
    assert not hasher.is_outdated(hash)


@of_every_scheme
def test_nothing_is_cut(hasher: PasslibHasher) -> None:
    """Plain bcrypt stops reading at 72 bytes."""
    assert not hasher.verify("x" * 100 + "y", hasher.hash("x" * 100 + "z"))


@of_every_scheme
def test_a_hash_fits_its_column_and_never_repeats(hasher: PasslibHasher) -> None:
    first, second = hasher.hash(PASSWORD), hasher.hash(PASSWORD)
    assert first != second
    assert len(first) <= 255


def test_the_default_is_what_the_specification_says() -> None:
    hash = PasslibHasher().hash(PASSWORD)
    assert hash.startswith("$bcrypt-sha256$v=2,t=2b,r=12$")
    assert PasslibHasher().verify(PASSWORD, hash)


def test_argon2_takes_what_owasp_recommends() -> None:
    assert ARGON2.hash(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@of_every_scheme
@pytest.mark.parametrize("legacy", LEGACY.values(), ids=LEGACY.keys())
def test_a_hash_from_elsewhere_verifies(hasher: PasslibHasher, legacy: str) -> None:
    assert hasher.verify(PASSWORD, legacy)
    assert not hasher.verify(PASSWORD + "r", legacy)
    assert hasher.is_outdated(legacy)


def test_a_hash_of_another_scheme_or_cost_is_outdated() -> None:
    assert ARGON2.verify(PASSWORD, CHEAP.hash(PASSWORD))
    assert ARGON2.is_outdated(CHEAP.hash(PASSWORD))
    assert CHEAP.is_outdated(ARGON2.hash(PASSWORD))
    assert PasslibHasher(bcrypt_cost=5).is_outdated(CHEAP.hash(PASSWORD))
    assert CHEAP.is_outdated(PasslibHasher(bcrypt_cost=5).hash(PASSWORD))


@of_every_scheme
@pytest.mark.parametrize("password", ["nul\0nul", "\0", "\ud800", "x\udfff", "x" * 4097, "é" * 4097, "x" * 1_000_000])
def test_a_password_that_no_hash_can_have_is_wrong(hasher: PasslibHasher, password: str) -> None:
    for hash in (CHEAP.hash(PASSWORD), ARGON2.hash(PASSWORD), *LEGACY.values()):
        assert not hasher.verify(password, hash)
    hasher.verify_nothing(password)


GARBAGE = [
    "",
    " ",
    "x",
    "\0",
    "\ud800",
    PASSWORD,
    "$" * 20,
    "$2b$",
    "$2b$12$short",
    "$2$04$abcdefghijklmnopqrstuuWZqmJ9vUMJjMqQkX6rGH4vW2lV8dYZW",
    "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
    "$6$rounds=5000$salt$xxxx",
    "{SSHA}xxxx",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "pbkdf2_sha256$1000$salt$hash",
    "{PBKDF2}131000$r5WythYixti79x6DMKaUsg$Gh3.uv0YS9SZ4O6lEmZLuFzjIzY",
    "$pbkdf2-sha256$x$y$z",
    "$pbkdf2-sha256$0$c2FsdHNhbHQ$" + "A" * 43,
    "$pbkdf2-sha256$01000$c2FsdHNhbHQ$" + "A" * 43,
    "$pbkdf2-sha256$1000$c2FsdHNhbHQ$" + "A" * 41,
    "$argon2id$",
    "$argon2id$v=19$m=4294967295,t=1,p=1$6H0vRSjFeM8Zo1Sq9b5Xig$mcqyDaVqF9Z6BSs3pUp1+xrSmYgWbY69SrBZLWNGSCs",
    "$argon2id$v=99$m=8,t=1,p=1$6H0vRSjFeM8Zo1Sq9b5Xig$mcqyDaVqF9Z6BSs3pUp1+xrSmYgWbY69SrBZLWNGSCs",
    "$bcrypt-sha256$v=2,t=2b,r=04$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2",
    "$bcrypt-sha256$v=9,t=2b,r=4$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2",
    "$bcrypt-sha256$v=2,t=2b,r=99$n79VH.0Q2TMWmt3Oqt9uku$Kq4Noyk3094Y2QlB8NdRT8SvGiI4ft2",
]


@of_every_scheme
@pytest.mark.parametrize("hash", GARBAGE)
def test_a_hash_that_cannot_be_read_verifies_nothing_and_is_outdated(hasher: PasslibHasher, hash: str) -> None:
    assert not hasher.verify(PASSWORD, hash)
    assert hasher.is_outdated(hash)


@pytest.mark.filterwarnings("ignore::passlib.exc.PasslibHashWarning")
@given(text=ANY_TEXT, start=st.sampled_from(["", *LEGACY.values()]), cut=st.integers(8, 90))
def test_a_damaged_hash_raises_nothing(text: str, start: str, cut: int) -> None:
    CHEAP.verify(PASSWORD, start[:cut] + text)
    CHEAP.is_outdated(start[:cut] + text)


@pytest.mark.parametrize("hasher", [PasslibHasher(bcrypt_cost=8), ARGON2], ids=["bcrypt_sha256", "argon2"])
def test_where_there_is_no_hash_the_work_is_the_same(hasher: PasslibHasher) -> None:
    hash = hasher.hash(PASSWORD)

    def seconds(work: object) -> float:
        started = perf_counter()
        assert callable(work)
        work()
        return perf_counter() - started

    verified = min(seconds(lambda: hasher.verify(PASSWORD, hash)) for _ in range(3))
    nothing = min(seconds(lambda: hasher.verify_nothing(PASSWORD)) for _ in range(3))
    assert nothing > verified / 3  # a hash that could not be read would take a thousandth


def test_many_threads_may_hash_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        hashes = list(pool.map(CHEAP.hash, [PASSWORD] * 32))
        assert all(pool.map(CHEAP.verify, [PASSWORD] * 32, hashes))
    assert len(set(hashes)) == 32


def test_passlib_is_silent_about_the_libraries_it_uses() -> None:
    """A fresh process: passlib looks for versions, and complains, once."""
    program = """
import logging
logging.basicConfig(level=logging.DEBUG)
from adapters.security.hashing import LimitedHasher, PasslibHasher
for scheme in ("bcrypt_sha256", "argon2"):
    hasher = PasslibHasher(scheme=scheme, bcrypt_cost=4)
    assert hasher.verify("x", hasher.hash("x"))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert "trapped" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr


def test_other_messages_of_passlib_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("passlib.handlers.bcrypt").warning("the backend is broken")
    assert "the backend is broken" in caplog.text


@pytest.mark.parametrize("at_once", [1, 3])
def test_no_more_hashes_are_made_at_one_time_than_are_allowed(at_once: int) -> None:
    counting = Lock()
    now, most = 0, 0

    class Counted(PasslibHasher):
        def verify(self, password: str, hash: str) -> bool:
            nonlocal now, most
            with counting:
                now += 1
                most = max(most, now)
            sleep(0.005)
            with counting:
                now -= 1
            return True

    hasher = LimitedHasher(Counted(bcrypt_cost=4), at_once=at_once)
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: hasher.verify("password", "hash"), range(24)))
    assert most == at_once
