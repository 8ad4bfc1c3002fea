import pytest

from adapters.security.secret_keys import KEY_ID_LENGTH, SecretKeys

SECRET, OLD_SECRET = "a secret of this test, long enough", "an older secret of this test, long enough"


def test_every_purpose_has_a_key_of_its_own() -> None:
    secret = SecretKeys(SECRET).current
    keys = {secret.key(purpose) for purpose in ("vault", "token/refresh", "token/device", "key id")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}


def test_the_same_secret_gives_the_same_keys() -> None:
    one, other = SecretKeys(SECRET).current, SecretKeys(SECRET).current
    assert (one.id, one.key("vault")) == (other.id, other.key("vault"))
    assert one.key("vault") != SecretKeys(OLD_SECRET).current.key("vault")


def test_what_was_derived_stays_derived() -> None:
    """HKDF (RFC 5869) is fixed for good: other keys would sign everybody out and lose what is sealed."""
    secret = SecretKeys("portico").current
    assert secret.id.hex() == "206a5c7601e8"
    assert secret.key("vault").hex() == "2c324d8c0b65bbefea4080274d2ff0676c9a0a34ca0489c1ba249d13629c8903"


def test_a_secret_is_found_by_its_id() -> None:
    keys = SecretKeys(SECRET, [OLD_SECRET, SECRET])
    old = SecretKeys(OLD_SECRET).current
    found = keys.find(old.id)
    assert found is not None
    assert found.key("vault") == old.key("vault")
    assert keys.find(keys.current.id) is keys.current
    assert keys.find(bytes(KEY_ID_LENGTH)) is None


def test_a_secret_does_not_show_itself() -> None:
    keys = SecretKeys(SECRET, [OLD_SECRET])
    keys.current.key("vault")
    shown = repr(keys) + str(keys) + repr(keys.current)
    assert SECRET not in shown
    assert OLD_SECRET not in shown
    assert keys.current.key("vault").hex() not in shown


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        SecretKeys("")
    with pytest.raises(ValueError, match="empty"):
        SecretKeys(SECRET, [""])
