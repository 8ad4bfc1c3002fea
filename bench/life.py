"""Every call there is, in the order of an account's life."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from bench.database import query
from bench.installation import PASSWORD, Installation
from bench.visitor import Visitor
from domain.accounts import EmailAddress
from domain.kernel import AccountId
from domain.one_time_tokens import OneTimeToken, Purpose
from entrypoints.container import Container

_NEXT_PASSWORD = "umber-lantern-93-gallops"
_LAST_PASSWORD = "teal-bassoon-17-meadows"
_PAGE = 50
_AGAIN = 5
"""How often what changes nothing is called."""


@dataclass(frozen=True, slots=True)
class World:
    """An installation with an operator, and where the last page of each list begins."""

    installation: Installation
    container: Container
    operator: str
    """Access token."""
    last_pages: dict[str, str]
    device_owner: str
    """Access token of somebody with many sessions."""
    last_device_page: str

    def one_time_token(self, purpose: Purpose, found: str, owner: EmailAddress | AccountId) -> str:
        """What stands in the mail."""
        [(id,)] = query(self.installation.url, found)
        if isinstance(owner, EmailAddress):
            proof = OneTimeToken.of_address(owner.digest, UUID(id))
        else:
            proof = OneTimeToken.of_account(owner, UUID(id))
        return self.container.opaque_tokens().issue(purpose, proof.pack())


@contextmanager
def world(installation: Installation) -> Iterator[World]:
    url, many = installation.url, 40
    with installation.container() as container:
        operator = installation.appoint()
        owner = [installation.sign_in(2)[1] for _ in range(many)]
        last_ids = query(url, f"SELECT id::text FROM accounts ORDER BY id DESC LIMIT {_PAGE + 1}")
        last_emails = query(
            url, f"SELECT email FROM accounts WHERE email LIKE 'person-%' ORDER BY email DESC LIMIT {_PAGE + 1}"
        )
        yield World(
            installation,
            container,
            operator.access_token,
            {"": last_ids[-1][0], "&status=active": last_ids[-1][0], "&query=person-": last_emails[-1][0]},
            owner[-1].access_token,
            str(owner[5].session_id),
        )


def cursor(after: str) -> str:
    return urlsafe_b64encode(after.encode()).decode().rstrip("=")


def live(visitor: Visitor, world: World, name: str) -> None:
    """From signing up to closing; `name` makes the address."""
    call = visitor.call
    email, new_email = EmailAddress.parse(f"{name}@example.net"), EmailAddress.parse(f"{name}-new@example.net")

    call("POST", "/v1/accounts", body={"email": email.value, "password": PASSWORD})
    call("POST", "/v1/accounts/resend-verification", body={"email": email.value})
    claim = f"SELECT id::text FROM claims WHERE address_digest = '{email.digest}'"
    token = world.one_time_token(Purpose.VERIFICATION, claim, email)
    account = call("POST", "/v1/accounts/verify", body={"token": token, "password": PASSWORD})
    account_id = AccountId(UUID(account["id"]))

    def sign_in(address: EmailAddress, password: str) -> dict[str, str]:
        signed_in: dict[str, str] = call("POST", "/v1/sessions", body={"email": address.value, "password": password})
        return signed_in

    mine = sign_in(email, PASSWORD)
    others = [sign_in(email, PASSWORD) for _ in range(2)]
    for _ in range(_AGAIN):
        mine = call("POST", "/v1/sessions/refresh", body={"refresh_token": mine["refresh_token"]})
    bearer = mine["access_token"]
    for number in range(_AGAIN):
        call("GET", "/v1/me", token=bearer)
        call("PATCH", "/v1/me", token=bearer, body={"display_name": f"Person {number}"})
        call("GET", "/v1/me/sessions", token=bearer)
        call("GET", "/v1/me/export", token=bearer)
        call("GET", "/.well-known/jwks.json")
        call("GET", "/health/ready")
        look_through_lists(visitor, world)
    belong(visitor, bearer, name)
    call("DELETE", f"/v1/me/sessions/{others[0]['session']['id']}", token=bearer)  # type: ignore[index]
    call("DELETE", "/v1/me/sessions", token=bearer)

    call("POST", "/v1/me/password", token=bearer, body={"current_password": PASSWORD, "new_password": _NEXT_PASSWORD})
    call("POST", "/v1/me/email", token=bearer, body={"new_email": new_email.value, "password": _NEXT_PASSWORD})
    change = f"SELECT id::text FROM email_changes WHERE account_id = '{account_id}'"
    token = world.one_time_token(Purpose.EMAIL_CHANGE, change, account_id)
    call("POST", "/v1/me/email/confirm", token=bearer, body={"token": token})

    call("POST", "/v1/password-resets", body={"email": new_email.value})
    reset = f"SELECT id::text FROM password_resets WHERE address_digest = '{new_email.digest}'"
    token = world.one_time_token(Purpose.PASSWORD_RESET, reset, new_email)
    call("POST", "/v1/password-resets/confirm", body={"token": token, "new_password": _LAST_PASSWORD})

    be_administered(visitor, world, account_id)
    call("DELETE", "/v1/sessions/current", token=sign_in(new_email, _LAST_PASSWORD)["access_token"])
    bearer = sign_in(new_email, _LAST_PASSWORD)["access_token"]
    call("POST", "/v1/me/close", token=bearer, body={"password": _LAST_PASSWORD})


def belong(visitor: Visitor, bearer: str, name: str) -> None:
    """To an organization of one's own, from its founding to its end. `tenancy.py` has every such call."""
    call = visitor.call
    id = call("POST", "/v1/organizations", token=bearer, body={"name": name, "slug": f"of-{name}"})["id"]
    inside, asked = f"/v1/organizations/{id}", {"organization_id": id}
    key = call("POST", "/v1/me/api-keys", token=bearer, body={"name": name, **asked, "scopes": ["members:read"]})
    for _ in range(_AGAIN):
        call("GET", "/v1/organizations", token=bearer)
        call("GET", inside, token=bearer)
        call("GET", f"{inside}/members", token=key["secret"])
        call("POST", "/v1/me/organization", token=bearer, body=asked)
        call("POST", "/v1/access/check", token=bearer, body={"permission": "members:read", **asked})
    call("DELETE", f"/v1/me/api-keys/{key['id']}", token=bearer)
    call("DELETE", f"{inside}?confirm=of-{name}", token=bearer, name="DELETE /v1/organizations/{id}")


def look_through_lists(visitor: Visitor, world: World) -> None:
    for filtered, last in world.last_pages.items():
        path = f"/v1/admin/accounts?limit={_PAGE}{filtered}"
        visitor.call("GET", path, token=world.operator, name=f"GET {path}")
        deepest = f"{path}&cursor={cursor(last)}"
        visitor.call("GET", deepest, token=world.operator, name=f"GET {path}, deepest page")
    path = "/v1/me/sessions?limit=5"
    visitor.call("GET", path, token=world.device_owner, name=f"GET {path}")
    deepest = f"{path}&cursor={cursor(world.last_device_page)}"
    visitor.call("GET", deepest, token=world.device_owner, name=f"GET {path}, deepest page")


def be_administered(visitor: Visitor, world: World, account_id: AccountId) -> None:
    path = f"/v1/admin/accounts/{account_id}"
    visitor.call("GET", path, token=world.operator)
    visitor.call("PATCH", path, token=world.operator, body={"display_name": "Corrected"})
    for act in ("send-password-reset", "end-sessions", "suspend", "reactivate"):
        visitor.call("POST", f"{path}/{act}", token=world.operator)
