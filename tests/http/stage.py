"""The stage of the isolation matrix: an organization that has one of everything, and everybody who may come by."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Self

from anyio.from_thread import BlockingPortal

from adapters.environment import Uuid7Ids
from adapters.memory import MemoryDatabase
from adapters.memory.database import Tables
from domain.permissions import Catalogue, Permission
from tests.http.service import OLGA, Bearer, Program, Service, SignedIn

CATALOGUE = Catalogue()
"""What there is to be permitted: Portico's own permissions, and those of whoever declares more."""
ALL = frozenset(CATALOGUE.permissions)
NOTHING: frozenset[Permission] = frozenset()


class Rewindable(MemoryDatabase):
    """One can go back to what it held: what is committed never changes any more."""

    held: Tables

    def keep(self, tables: Tables) -> None:
        self.held = tables
        super().keep(tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """A caller, and all of them that may matter."""

    name: str
    bearer: dict[str, str] = field(default_factory=dict, repr=False)
    refused: str | None = None
    """The code with which they are let in nowhere."""
    is_key: bool = False
    has_account: bool = True
    is_operator: bool = False
    permissions: frozenset[Permission] | None = None
    """In Acme; None if they are not in it, or their key is not for it."""


class Stage:
    """Acme is Ada's, who has a second organization; Eve has one of her own. `things` are what Acme has, and real.

    Its roles grant nothing, or only what dealing with it needs: so whoever has that one permission is stopped by no
    other rule, like that nobody gives away more than they have.
    """

    def __init__(self, service: Service, database: Rewindable) -> None:
        self.service, self._database = service, database
        ada, eve, device = service.person("ada"), service.person("eve"), service.device_of_operator()
        olga = service.enter_by_two(*OLGA, device, trust_device=True)
        acme, second = service.organization(ada, slug="acme"), service.organization(ada, "Second")
        self.ada, self.eve, self.acme, self.of_eve = ada, eve, acme, service.organization(eve, "Eve's")

        granting = {"nothing": NOTHING, "spare": NOTHING, "keys": {"api_keys:manage"}}
        for role, permissions in (granting | dict.fromkeys(("all", "precise", "lacking"), ALL)).items():
            service.role(acme, role, permissions, by=ada)
        self._members = {role: service.member(acme, role, role, by=ada) for role in ("precise", "lacking")}
        self._members |= {role: service.member(acme, role, role, by=ada) for role in ("admin", "member")}
        self._program = service.service_account(acme, "all", by=ada)

        sue = service.member(acme, "sue", "owner", by=ada)
        key_of_sue = service.personal_key(sue, acme, "organization:read")
        key_of_ada = service.personal_key(ada)
        keyed = service.service_account(acme, "keys", by=ada)
        invitation = service.invite(acme, "invited@example.com", "nothing", by=ada)
        service.post(f"/v1/admin/accounts/{service.id_of(sue)}/suspend", by=olga)

        hook = {"url": "https://hooks.example.com/"}
        webhooks, global_webhooks = f"/v1/organizations/{acme}/webhooks", "/v1/admin/webhooks"
        webhook = str(service.post(webhooks, hook, by=ada).json()["id"])
        global_webhook = str(service.post(global_webhooks, hook, by=olga).json()["id"])

        self.things = {
            "acme": acme,
            "member": service.id_of(service.member(acme, "target", "nothing", by=ada)),
            "suspended": self._id_of_first("/v1/admin/accounts?status=suspended", olga),
            "invitation": str(invitation["id"]),
            "invitation_token": service.token_to("invited@example.com"),
            "service_account": service.service_account(acme, "nothing", by=ada),
            "keyed": keyed,
            "service_key": service.service_key(acme, keyed, "api_keys:manage", by=ada).key_id,
            "personal_key": key_of_ada.key_id,
            "session": service.sign_in().session_id,
            "refresh_token": service.sign_in().refresh_token,
            "passkey": self._id_of_first("/v1/me/passkeys", olga),
            "trusted_device": self._id_of_first("/v1/me/trusted-devices", olga),
            "browser_token": service.post("/v1/email-codes", {"email": "ada@example.com"}).json()["browser_token"],
            "code": service.code_to("ada@example.com"),
            "recovery_code": service.recovery_codes(olga)[0],
        }
        self.things |= {
            "webhook": webhook,
            "delivery": service.post(f"{webhooks}/{webhook}/test", by=ada).json()["id"],
            "global_webhook": global_webhook,
            "global_delivery": service.post(f"{global_webhooks}/{global_webhook}/test", by=olga).json()["id"],
        }
        program_of_eve = service.service_account(self.of_eve, "admin", by=eve)
        self._passers_by = [
            Somebody(name="nobody", refused="authentication_required"),
            Somebody(name="no token at all", bearer={"Authorization": "Bearer x"}, refused="access_token_invalid"),
            Somebody(name="a damaged key", bearer=_damaged(key_of_ada), refused="api_key_damaged"),
            Somebody(name="a suspended owner", bearer=sue.bearer, refused="session_ended"),
            Somebody(name="a suspended owner's key", bearer=key_of_sue.bearer, refused="api_key_invalid"),
            Somebody(name="the owner of another", bearer=eve.bearer),
            Somebody(name="an operator", bearer=olga.bearer, is_operator=True),
            _key("the owner's key for another", service.personal_key(ada, second, *ALL)),
            _key("the owner's key for none", key_of_ada),
            _key("a key of another's owner", service.personal_key(eve, self.of_eve, *ALL)),
            _key("another's program", service.service_key(self.of_eve, program_of_eve, "members:read", by=eve), False),
        ]
        self._start = database.held
        self._casts: dict[Permission, tuple[Tables, list[Somebody]]] = {}

    @classmethod
    def of(cls, portal: BlockingPortal) -> Iterator[Self]:
        service, database = Service.of(portal), Rewindable(ids=Uuid7Ids())
        service.container.persistence.override(database)
        with service:
            service.container.apply_catalogue()(CATALOGUE)
            yield cls(service, database)

    def everybody(self, permission: Permission) -> list[Somebody]:
        """Among them who has that permission only, and who has each other: by role, and by the scope of a key."""
        if permission not in self._casts:
            self._database.keep(self._start)
            cast = [*self._passers_by, *self._insiders(permission)]
            self._casts[permission] = self._database.held, cast
        return self._casts[permission][1]

    def rewind(self, permission: Permission) -> None:
        """Nothing has happened since everybody was there."""
        self._database.keep(self._casts[permission][0])

    def has_changed(self, permission: Permission) -> bool:
        """That a key was used is no change."""
        before, now = self._casts[permission][0], self._database.held
        tables = (table.name for table in fields(Tables) if table.name != "api_keys")
        return any(getattr(before, table) != getattr(now, table) for table in tables)

    def _insiders(self, permission: Permission) -> list[Somebody]:
        only, others = frozenset({permission}), ALL - {permission}
        service, acme, ada = self.service, self.acme, self.ada
        for role, permissions in (("precise", only), ("lacking", others)):
            path = f"/v1/organizations/{acme}/roles/{role}"
            assert service.patch(path, {"permissions": sorted(permissions)}, by=ada).status_code == 200
        by_role = {"precise": only, "lacking": others, "admin": CATALOGUE.of_admin, "member": CATALOGUE.of_member}
        people = [
            Somebody(name=role, bearer=self._members[role].bearer, permissions=permissions)
            for role, permissions in by_role.items()
        ]
        program = self._program
        return [
            Somebody(name="the owner", bearer=ada.bearer, permissions=ALL),
            *people,
            _key("a key with the scope", service.personal_key(ada, acme, *only), permissions=only),
            _key("a key without the scope", service.personal_key(ada, acme, *others), permissions=others),
            _key("a program", service.service_key(acme, program, *only, by=ada), False, permissions=only),
            _key("a program without", service.service_key(acme, program, *others, by=ada), False, permissions=others),
        ]

    def _id_of_first(self, path: str, person: SignedIn) -> str:
        return str(self.service.get(path, by=person).json()["items"][0]["id"])


def _key(
    name: str, program: Program, has_account: bool = True, *, permissions: frozenset[Permission] | None = None
) -> Somebody:
    return Somebody(name=name, bearer=program.bearer, is_key=True, has_account=has_account, permissions=permissions)


def _damaged(whole: Bearer) -> dict[str, str]:
    return {"Authorization": whole.bearer["Authorization"][:-1] + "~"}
