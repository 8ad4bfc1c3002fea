from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.accounts import EmailAddress
from domain.kernel import AccountId
from domain.one_time_tokens import OneTimeToken, Purpose, TokenInvalid

ids = st.uuids()


@given(st.text(max_size=20), ids)
def test_a_token_of_an_address_survives_being_packed(address: str, id: UUID) -> None:
    digest = EmailAddress(address).digest
    token = OneTimeToken.unpack(OneTimeToken.of_address(digest, id).pack())
    assert (token.address_digest, token.id) == (digest, id)


@given(ids, ids)
def test_a_token_of_an_account_survives_being_packed(account_id: UUID, id: UUID) -> None:
    token = OneTimeToken.unpack(OneTimeToken.of_account(AccountId(account_id), id).pack())
    assert (token.account_id, token.id) == (account_id, id)


def test_an_invalid_token_is_refused_by_its_field() -> None:
    assert TokenInvalid().field == "token"


def test_every_purpose_has_a_name_of_its_own() -> None:
    assert list(Purpose.__members__.values()) == list(Purpose)  # an alias would be a member, and no element
