"""Every call about organizations, as an owner makes them who has many of them, one of them large."""

from dataclasses import dataclass

from bench.database import address_of, query
from bench.installation import Installation
from bench.life import cursor
from bench.visitor import Visitor

_PAGE = 50
_AGAIN = 5
"""How often what changes nothing is called."""
_CHECKS = 100


@dataclass(frozen=True, slots=True)
class Tenant:
    """The oldest organization and the oldest account, which owns it."""

    installation: Installation
    organization: str
    owner: str
    """Access token."""
    guest: str
    """Of somebody who is in no organization yet that matters here."""
    guest_address: str
    members: list[str]
    """Ids of accounts, some that came last."""
    last_member: str
    """Where the last page of the members begins."""
    last_organization: str
    """And that of the owner's organizations."""


def tenant(installation: Installation) -> Tenant:
    url = installation.url
    owner, guest = sorted(
        installation.sign_in(2), key=lambda one: one.account_id
    )  # the oldest, and one from the middle
    [(organization,)] = query(url, "SELECT id::text FROM organizations ORDER BY id LIMIT 1")
    in_it = f"SELECT account_id::text FROM members WHERE organization_id = '{organization}' ORDER BY account_id DESC"
    members = [id for (id,) in query(url, f"{in_it} LIMIT {_PAGE + 1}")]
    of_owner = f"SELECT organization_id::text FROM memberships WHERE account_id = '{owner.account_id}'"
    organizations = query(url, f"{of_owner} ORDER BY organization_id DESC LIMIT {_PAGE + 1}")
    return Tenant(
        installation=installation,
        organization=organization,
        owner=owner.access_token,
        guest=guest.access_token,
        guest_address=address_of(1 + installation.accounts // 2),
        members=members,
        last_member=members[-1],
        last_organization=organizations[-1][0],
    )


def administer(visitor: Visitor, tenant: Tenant, name: str) -> None:
    """`name` makes addresses, slugs and names."""
    inside, token = f"/v1/organizations/{tenant.organization}", tenant.owner
    for _ in range(_AGAIN):
        look(visitor, tenant, inside)
    visitor.call("PATCH", inside, token=token, body={"name": f"Acme {name}"})
    for role in ("admin", "member"):
        visitor.call("PATCH", f"{inside}/members/{tenant.members[0]}", token=token, body={"role": role})
    let_in(visitor, tenant, inside, name)
    grant(visitor, tenant, inside, name)
    delegate(visitor, tenant, inside, name)
    made = visitor.call("POST", "/v1/organizations", token=token, body={"name": name, "slug": f"made-{name}"})
    confirmed = f"/v1/organizations/{made['id']}?confirm=made-{name}"
    visitor.call("DELETE", confirmed, token=token, name="DELETE /v1/organizations/{id}")


def look(visitor: Visitor, tenant: Tenant, inside: str) -> None:
    call, token = visitor.call, tenant.owner
    call("GET", "/v1/me", token=token)
    call("GET", inside, token=token)
    for path, last in (("/v1/organizations", tenant.last_organization), (f"{inside}/members", tenant.last_member)):
        first = f"{path}?limit={_PAGE}"
        called = f"GET {first.replace(tenant.organization, '{id}')}"
        call("GET", first, token=token, name=called)
        call("GET", f"{first}&cursor={cursor(last)}", token=token, name=f"{called}, deepest page")
    for path in ("invitations", "roles", "service-accounts"):
        call("GET", f"{inside}/{path}", token=token)
    call("GET", "/v1/permissions", token=token)
    asked = {"organization_id": tenant.organization}
    call("POST", "/v1/me/organization", token=token, body=asked)
    check(visitor, tenant, token, "")


def check(visitor: Visitor, tenant: Tenant, token: str, whose: str) -> None:
    asked = {"permission": "members:read", "organization_id": tenant.organization}
    path = "/v1/access/check"
    visitor.call("POST", path, token=token, body=asked, name=f"POST {path}{whose}")
    about = asked | {"principal_id": tenant.members[0]}
    visitor.call("POST", path, token=token, body=about, name=f"POST {path}{whose}, about another")
    others = [asked | {"principal_id": tenant.members[number % len(tenant.members)]} for number in range(_CHECKS)]
    visitor.call("POST", f"{path}-many", token=token, body={"checks": others}, name=f"POST {path}-many{whose}")


def let_in(visitor: Visitor, tenant: Tenant, inside: str, name: str) -> None:
    """Somebody is invited in vain, and another comes and goes."""
    call, token = visitor.call, tenant.owner
    invited = call(
        "POST", f"{inside}/invitations", token=token, body={"email": f"{name}@example.net", "role": "member"}
    )
    call("DELETE", f"{inside}/invitations/{invited['id']}", token=token)
    call("POST", f"{inside}/invitations", token=token, body={"email": tenant.guest_address, "role": "member"})
    [received] = call("GET", "/v1/me/invitations", token=tenant.guest)["items"]
    call("POST", "/v1/invitations/accept", token=tenant.guest, body={"token": received["token"]})
    call("DELETE", f"{inside}/members/me", token=tenant.guest)


def grant(visitor: Visitor, tenant: Tenant, inside: str, name: str) -> None:
    call, token, role = visitor.call, tenant.owner, f"role-{name}"
    call("POST", f"{inside}/roles", token=token, body={"name": role, "permissions": ["members:read"]})
    path, called = f"{inside}/roles/{role}", "/v1/organizations/{id}/roles/{name}"
    call("PATCH", path, token=token, body={"description": name}, name=f"PATCH {called}")
    call("DELETE", path, token=token, name=f"DELETE {called}")


def delegate(visitor: Visitor, tenant: Tenant, inside: str, name: str) -> None:
    """To a program, which calls with its key, and to a key of the owner's own."""
    call, token = visitor.call, tenant.owner
    program = call("POST", f"{inside}/service-accounts", token=token, body={"name": name, "role": "admin"})["id"]
    path = f"{inside}/service-accounts/{program}"
    call("PATCH", path, token=token, body={"name": f"{name}, renamed"})
    scopes = ["members:read", "access:check"]
    key = call("POST", f"{path}/api-keys", token=token, body={"name": name, "scopes": scopes})
    call("GET", f"{path}/api-keys", token=token)
    for _ in range(_AGAIN):
        call("GET", f"{inside}/members", token=key["secret"], name="GET /v1/organizations/{id}/members, by a key")
        check(visitor, tenant, key["secret"], ", by a key")
    call("POST", f"{path}/api-keys/{key['id']}/rotate", token=token)
    call("DELETE", f"{path}/api-keys/{key['id']}", token=token)
    call("DELETE", path, token=token)
    own = {"name": name, "organization_id": tenant.organization, "scopes": ["members:read"]}
    personal = call("POST", "/v1/me/api-keys", token=token, body=own)
    call("GET", "/v1/me/api-keys", token=token)
    call("GET", "/v1/me", token=personal["secret"], name="GET /v1/me, by a key")
    call("POST", f"/v1/me/api-keys/{personal['id']}/rotate", token=token)
    call("DELETE", f"/v1/me/api-keys/{personal['id']}", token=token)
