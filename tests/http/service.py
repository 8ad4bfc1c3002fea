"""The application in process, on the memory adapter, as a person with a mailbox uses it."""

import os
import re
import secrets
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID

import httpx
import pyotp
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from application.api_keys import MadeApiKey
from application.ports.mail import SentMail
from domain.access import Actor
from domain.kernel import OrganizationId
from entrypoints.container import Container, build
from entrypoints.http.app import create_app
from entrypoints.settings import Settings
from tests.builders import MINUTE, FixedClock
from tests.security.authenticator import Authenticator

PASSWORD = "correct horse battery staple"
ADA = "ada@example.com"
OLGA = "olga@example.com", "an operator has a long one too"
"""The operator, and her password."""
ORIGIN = "http://localhost:8000"
"""Where the pages of the service are, by default: passkeys are made there."""
STEP = timedelta(seconds=30)
"""How long an authenticator app shows one code."""

CALM = {
    "ENVIRONMENT": "development",
    "DATABASE_URL": "memory:",
    "MAIL": "console",
    "SECRET_KEY": "a-secret-of-the-tests-that-is-long-enough",
    "BCRYPT_COST": "4",
    "BACKGROUND_WORK": "false",
}
"""Settings under which nothing happens that a test did not ask for."""


def settings(**changes: str) -> Settings:
    return Settings.load({**CALM, **changes}, env_file=Path(os.devnull))


class Bearer(Protocol):
    """Whoever has something to show."""

    @property
    def bearer(self) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a device keeps."""

    tokens: dict[str, Any]

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    @property
    def refresh_token(self) -> str:
        return str(self.tokens["refresh_token"])

    @property
    def device_token(self) -> str:
        return str(self.tokens["device_token"])

    def keep(self, exchanged: httpx.Response) -> None:
        """The new tokens; a device token comes at sign-in only."""
        self.tokens.update({name: value for name, value in exchanged.json().items() if value is not None})

    @property
    def session_id(self) -> str:
        return str(self.tokens["session"]["id"])


@dataclass(frozen=True, slots=True)
class Program:
    """What a program keeps."""

    made: MadeApiKey

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.made.secret}"}

    @property
    def key_id(self) -> str:
        return str(self.made.key.id)


@dataclass(frozen=True, slots=True)
class App:
    """An authenticator app, and the clock of its phone."""

    secret: str = field(repr=False)
    clock: FixedClock

    def code(self) -> str:
        return pyotp.TOTP(self.secret).at(self.clock.now())


@dataclass(slots=True)
class Service:
    """Runs on the event loop of `portal`. Its clock stands still until a test moves it."""

    portal: BlockingPortal
    container: Container
    clock: FixedClock = field(default_factory=FixedClock)
    app: FastAPI = field(init=False)
    _running: AbstractContextManager[Any] = field(init=False)

    @classmethod
    def of(cls, portal: BlockingPortal, **changes: str) -> Self:
        return cls(portal, build(settings(**changes)))

    def __enter__(self) -> Self:
        self.container.clock.override(self.clock)
        self.app = create_app(self.container)
        self._running = self.portal.wrap_async_context_manager(self.app.router.lifespan_context(self.app))
        self._running.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._running.__exit__(kind, error, traceback)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: Bearer | None = None,
        peer: str = "192.0.2.1",
        **more: Any,
    ) -> httpx.Response:
        """`body` goes as JSON; `by` is whose bearer token goes with it, `peer` the address of the connection."""
        return self.portal.call(partial(self.call_async, method, path, body, by=by, peer=peer, **more))

    async def call_async(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: Bearer | None = None,
        peer: str = "192.0.2.1",
        **more: Any,
    ) -> httpx.Response:
        headers = httpx.Headers(more.pop("headers", None))
        if by:
            headers.update(by.bearer)
        if body is not None:
            more["json"] = body
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(peer, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://portico.test", trust_env=False) as client:
            return await client.request(method, path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.call("PATCH", path, body, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.call("DELETE", path, **more)

    def mail(self) -> list[SentMail]:
        """Send what is due; return all that was sent, newest first."""
        send = self.container.send_queued_mail()
        while send():
            pass
        return self.container.console_mailer().newest()

    def mail_to(self, address: str) -> list[SentMail]:
        return [mail for mail in self.mail() if mail.to.value == address]

    def token_to(self, address: str) -> str:
        """The token of the newest mail to that address."""
        token = self.mail_to(address)[0].token
        assert token
        return token

    def code_to(self, address: str) -> str:
        """The code of the newest mail to that address."""
        found = re.search(r"^\d{6}$", self.mail_to(address)[0].text, flags=re.MULTILINE)
        assert found
        return found[0]

    def sign_up(self, email: str = ADA, *, password: str = PASSWORD, display_name: str = "Ada") -> dict[str, Any]:
        """Return the account, its address proved."""
        wanted = {"email": email, "password": password, "display_name": display_name}
        assert self.post("/v1/accounts", wanted).status_code == 202
        verified = self.post("/v1/accounts/verify", {"token": self.token_to(email), "password": password})
        assert verified.status_code == 201
        account: dict[str, Any] = verified.json()
        return account

    def sign_in(self, email: str = ADA, *, password: str = PASSWORD, **more: Any) -> SignedIn:
        response = self.post("/v1/sessions", {"email": email, "password": password}, **more)
        assert response.status_code == 201
        return SignedIn(response.json())

    def ada(self) -> SignedIn:
        """She has just signed up, and in."""
        self.sign_up()
        return self.sign_in()

    def person(self, name: str) -> SignedIn:
        """`person("bob")` has just signed up as bob@example.com, and in."""
        email = f"{name}@example.com"
        self.sign_up(email, display_name=name.capitalize())
        return self.sign_in(email)

    def id_of(self, person: SignedIn) -> str:
        return str(self.get("/v1/me", by=person).json()["id"])

    def organization(self, owner: SignedIn, name: str = "Acme", **more: str) -> str:
        """Return its id."""
        made = self.post("/v1/organizations", {"name": name, **more}, by=owner)
        assert made.status_code == 201
        return str(made.json()["id"])

    def invite(self, organization: str, email: str, role: str, *, by: Bearer) -> dict[str, Any]:
        invited = self.post(f"/v1/organizations/{organization}/invitations", {"email": email, "role": role}, by=by)
        assert invited.status_code == 201
        invitation: dict[str, Any] = invited.json()
        return invitation

    def member(self, organization: str, name: str, role: str, *, by: SignedIn) -> SignedIn:
        """A new person, whom `by` has invited, and who has accepted."""
        person = self.person(name)
        self.join(organization, person, role, by=by)
        return person

    def join(self, organization: str, person: SignedIn, role: str, *, by: SignedIn) -> None:
        """The person is invited by `by`, and accepts."""
        invitation = self.invite(organization, self.get("/v1/me", by=person).json()["email"], role, by=by)
        received = self.get("/v1/me/invitations", by=person).json()["items"]
        token = next(each["token"] for each in received if each["id"] == invitation["id"])
        assert self.post("/v1/invitations/accept", {"token": token}, by=person).status_code == 200

    def role(self, organization: str, name: str, permissions: Collection[str], *, by: SignedIn) -> None:
        made = {"name": name, "permissions": sorted(permissions)}
        assert self.post(f"/v1/organizations/{organization}/roles", made, by=by).status_code == 201

    def personal_key(self, person: SignedIn, organization: str | None = None, *scopes: str) -> Program:
        principal = self.container.authenticate()(person.tokens["access_token"])[0].person()
        actor = self.actor(person, organization) if organization else None
        return Program(
            self.container.make_personal_key()(
                principal=principal, actor=actor, name="A key", scopes=scopes, expires_at=None
            )
        )

    def service_account(self, organization: str, role: str, *, by: SignedIn) -> str:
        """Return its id."""
        make = self.container.make_service_account()
        return str(make(actor=self.actor(by, organization), name="A backend", role=role).id)

    def service_key(self, organization: str, service_account: str, *scopes: str, by: SignedIn) -> Program:
        return Program(
            self.container.make_service_key()(
                actor=self.actor(by, organization),
                service_account_id=UUID(service_account),
                name="A key",
                scopes=scopes,
                expires_at=None,
            )
        )

    def actor(self, person: SignedIn, organization: str) -> Actor:
        """For calling use cases directly."""
        id = OrganizationId(UUID(organization))
        return self.container.authenticate()(person.tokens["access_token"], organization_id=id)[0].within(id)

    def operator(self) -> SignedIn:
        """Olga, signed in as operators must be."""
        return self.enter(self.device_of_operator())

    def device_of_operator(self) -> Authenticator:
        email, password = OLGA
        self.container.appoint_operator()(email=email, password=password, display_name="Olga")
        return self.passkey(self.sign_in(email, password=password))

    # ---- factors

    def passkey(self, person: SignedIn, name: str = "Laptop") -> Authenticator:
        """A new device, which holds a passkey of that person."""
        asked = self.post("/v1/me/passkeys/options", by=person)
        assert asked.status_code == 201
        device = Authenticator(origin=ORIGIN, credential_id=secrets.token_bytes(32))
        made = {"challenge": asked.json()["challenge"], "passkey": device.create(asked.json()["options"]), "name": name}
        assert self.post("/v1/me/passkeys", made, by=person).status_code == 201
        return device

    def shown(self, device: Authenticator) -> dict[str, Any]:
        """A challenge, and the passkey that answers it."""
        asked = self.post("/v1/passkey-sessions/options").json()
        return {"challenge": asked["challenge"], "passkey": device.get(asked["options"])}

    def enter(self, device: Authenticator) -> SignedIn:
        """Whoever has the device signs in with its passkey."""
        entered = self.post("/v1/passkey-sessions", self.shown(device))
        assert entered.status_code == 201
        return SignedIn(entered.json())

    def enter_by_two(self, email: str, password: str, device: Authenticator, **more: Any) -> SignedIn:
        """Whoever knows the password and has the device signs in with both."""
        due = self.post("/v1/sessions", {"email": email, "password": password})
        assert due.status_code == 202
        proof = {"challenge": due.json()["challenge"], "passkey": device.get(due.json()["passkey_options"])}
        entered = self.post("/v1/sessions/second-factor", {**proof, **more})
        assert entered.status_code == 201
        return SignedIn(entered.json())

    def recovery_codes(self, person: SignedIn) -> list[str]:
        made = self.post("/v1/me/recovery-codes", by=person)
        assert made.status_code == 201
        codes: list[str] = made.json()["recovery_codes"]
        return codes

    def authenticator_app(self, person: SignedIn) -> App:
        """An authenticator app, which that person has enrolled; their device keeps the tokens of the raised session."""
        begun = self.post("/v1/me/totp", by=person)
        assert begun.status_code == 201
        app = App(begun.json()["secret"], self.clock)
        confirmed = self.post("/v1/me/totp/confirm", {"code": app.code()}, by=person)
        assert confirmed.status_code == 200
        person.keep(confirmed)
        return app

    def step_up(self, person: SignedIn, app: App) -> SignedIn:
        """The next code of the app is shown."""
        self.clock.advance(STEP)
        raised = self.post("/v1/sessions/current/step-up", {"code": app.code()}, by=person)
        assert raised.status_code == 200
        return SignedIn(raised.json())

    def wait_for_the_mail_cap(self) -> None:
        """A second mail of the same kind to one address goes after a minute."""
        self.clock.advance(MINUTE)


def code(response: httpx.Response) -> str:
    """The code of a refusal, which is a whole problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["type"] == f"/problems/{document['code']}"
    assert document["instance"] == response.request.url.path
    assert document["title"]
    assert document["detail"]
    found: str = document["code"]
    return found


def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, code(response)


def pointers(response: httpx.Response) -> list[str]:
    return [error["pointer"] for error in response.json()["errors"]]
