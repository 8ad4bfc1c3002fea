import tracemalloc
from pathlib import Path

import pytest

from adapters.security.common_passwords import ListedPasswords

BUNDLED = ListedPasswords()


@pytest.mark.parametrize("password", ["password1234", "qwerty123456", "1q2w3e4r5t6y", "weihnachtsbaum"])
def test_the_most_common_passwords_are_in_the_bundled_list(password: str) -> None:
    assert BUNDLED.contains(password)


@pytest.mark.parametrize("password", ["PASSWORD1234", "Qwerty123456", "WeihnachtsBaum"])
def test_the_case_does_not_matter(password: str) -> None:
    assert BUNDLED.contains(password)


@pytest.mark.parametrize("password", ["correct horse battery staple", "password1234 ", "password123", "\ud800", "\0"])
def test_others_are_not(password: str) -> None:
    assert not BUNDLED.contains(password)


def test_a_list_of_ones_own_takes_its_place(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_bytes("Hunter2 hunter2\r\nGRÜSSE aus Bonn\nμ€ \nlast".encode() + b"\n\xff\xfe not utf-8\n\n")
    listed = ListedPasswords(str(file))
    for password in ("hunter2 hunter2", "grüße aus bonn", "gru\u0308sse aus bonn", "μ€ ", "LAST"):
        assert listed.contains(password)
    assert not listed.contains("password1234")
    assert not listed.contains("hunter2")


def test_a_list_that_is_not_there_is_no_empty_list(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ListedPasswords(str(tmp_path / "missing.txt"))


def test_a_long_list_takes_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("".join(f"password number {n}\n" for n in range(50_000)))
    tracemalloc.start()
    try:
        listed = ListedPasswords(str(file))
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 50_000 * 12
    assert most < 50_000 * 24
    assert all(listed.contains(f"Password number {n}") for n in range(0, 50_000, 997))
    assert not any(listed.contains(f"password number {n}") for n in range(50_000, 60_000))
