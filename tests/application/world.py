"""The people who use Portico, on a day of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from application.factor_proofs import Proof
from application.ports.audit import EntryFilter
from application.ports.mail import OutgoingMail
from application.ports.outbox import OutboxEvent
from application.second_factors import totp_row
from application.sessions import SignedIn
from application.signing_in import SecondFactorDue
from domain.access import Actor, Principal, Subject
from domain.accounts import Account, EmailAddress
from domain.audit import INSTALLATION, AuditEntry
from domain.kernel import AccountId, MembershipId, OrganizationId, SessionId
from domain.mail import QueuedMail
from domain.memberships import Membership
from domain.roles import MEMBER, RoleName
from domain.second_factors import SecondFactors, Totp
from domain.sessions import Client, Session
from tests.application.factor_fakes import Device
from tests.application.fakes import Journal
from tests.application.use_cases import UseCases
from tests.builders import NOON, an_active_account, step_of

ADA, EVE = "ada@example.com", "eve@example.org"
PASSWORD, ANOTHER = "violet quartz lantern", "seven brass otters"
HOME = Client(user_agent="Firefox", network="192.0.2.1/32")
ELSEWHERE = Client(user_agent="curl", network="198.51.100.9/32")
SECOND = timedelta(seconds=1)


class World(UseCases):
    """Nobody has an account yet."""

    # ---- people

    def an_account(self, email: str = ADA, password: str = PASSWORD, *, verified: bool = True) -> Account:
        """It has been there for long: making it left no trace in journal or outbox."""
        account = an_active_account(
            id=AccountId(self.ids.new()),
            email=EmailAddress(email),
            email_verified_at=NOON if verified else None,
            display_name="Ada",
            password_hash=f"{self.hasher.scheme}${password}",
        )
        with self.database.persistence.unit_of_work() as uow:
            uow.accounts.add(account)
        return account

    def enter(
        self,
        email: str = ADA,
        password: str = PASSWORD,
        *,
        client: Client = HOME,
        device_token: str | None = None,
    ) -> SignedIn:
        """By the password alone: nothing else is due."""
        entered = self.sign_in(email=email, password=password, client=client, device_token=device_token)
        assert isinstance(entered, SignedIn)
        return entered

    def who(self, signed_in: SignedIn) -> Principal:
        return self.authenticate(signed_in.access_token)[0].person()

    def somebody(self, email: str = ADA, *, verified: bool = True) -> Principal:
        """An account, signed in."""
        self.an_account(email, verified=verified)
        return self.who(self.enter(email))

    def an_operator(self, email: str = "root@example.net") -> Principal:
        """One who has had an authenticator app for long, and has just shown its code."""
        account = self.appoint_operator(email=email, password=PASSWORD)
        self.an_app_of(account)
        return self.who(self.enter_with_app(email))

    # ---- factors

    def an_app_of(self, account: Account) -> str:
        """Its secret. It has been there for long: that left no trace in journal or outbox."""
        secret = self.totp.new_secret()
        sealed = self.vault.seal(secret, row=totp_row(account.id))
        totp = Totp(sealed_secret=sealed, enrolled_at=NOON, last_step=0)
        with self.database.persistence.unit_of_work() as uow:
            factors = uow.second_factors.lock(account.id)
            uow.second_factors.save(replace(factors, totp=totp))
        self.change(replace(self.account(account.id), has_second_factor=True))
        return secret

    def with_app(self, email: str = ADA) -> Principal:
        """Somebody who has had an authenticator app for long, signed in with it."""
        self.an_app_of(self.an_account(email))
        return self.who(self.enter_with_app(email))

    def code(self, email: str = ADA) -> str:
        """The first one of the app that is taken now: the clock stands still, and each is taken once."""
        with self.database.persistence.autocommit() as database:
            account = database.accounts.find_by_email(EmailAddress(email))
            assert account
            factors = database.second_factors.find(account.id)
        assert factors
        assert factors.totp
        step = max(step_of(self.clock.now()) - 1, factors.totp.last_step + 1)
        return self.totp.code(self.vault.open(factors.totp.sealed_secret, row=totp_row(account.id)), step)

    def asked(self, email: str = ADA, password: str = PASSWORD, *, device_token: str | None = None) -> SecondFactorDue:
        """The password was right, and a second factor is due."""
        due = self.sign_in(email=email, password=password, client=HOME, device_token=device_token)
        assert isinstance(due, SecondFactorDue)
        return due

    def finish(
        self, due: SecondFactorDue, proof: Proof, *, trust_device: bool = False, client: Client = HOME
    ) -> SignedIn:
        return self.finish_sign_in(challenge=due.challenge, proof=proof, trust_device=trust_device, client=client)

    def enter_with_app(self, email: str = ADA, password: str = PASSWORD, *, trust_device: bool = False) -> SignedIn:
        due = self.asked(email, password)
        return self.finish(due, Proof(code=self.code(email)), trust_device=trust_device)

    def stepped_up(self, principal: Principal, *, password: str = PASSWORD) -> Principal:
        """The same person, who has just proved it once more."""
        account = self.account(principal.account.id)
        proof = Proof(code=self.code(account.email.value)) if account.has_second_factor else None
        return self.who(
            self.step_up(principal=self.now(principal), password=None if proof else password, proof=proof, client=HOME)
        )

    def a_passkey_of(self, principal: Principal, *, name: str = "laptop") -> Device:
        """Registered just now."""
        device, begun = Device(), self.begin_passkey(principal=principal)
        made = device.registers(begun.options)
        self.register_passkey(principal=principal, challenge=begun.challenge, credential=made, name=name)
        return device.of(principal.account.id)

    def enter_with_passkey(self, device: Device, *, client: Client = HOME) -> SignedIn:
        begun = self.begin_passkey_sign_in()
        answer = device.answers(begun.options)
        return self.sign_in_with_passkey(challenge=begun.challenge, credential=answer, client=client)

    def enrolled(self, account_id: AccountId) -> SecondFactors:
        with self.database.persistence.autocommit() as database:
            factors: SecondFactors | None = database.second_factors.find(account_id)
        assert factors
        return factors

    # ---- organizations

    def an_organization(self, owner: str = ADA, *, name: str = "Acme") -> Actor:
        """One that was just made, seen by its owner."""
        principal = self.somebody(owner)
        return self.within(principal, self.make_organization(principal=principal, name=name).id)

    def a_member(self, of: Actor, email: str = EVE, *, role: str = MEMBER) -> Actor:
        """Somebody new, who has been in the organization for long."""
        return self.joined(self.somebody(email), of, role=role)

    def joined(self, principal: Principal, of: Actor, *, role: str = MEMBER) -> Actor:
        """As if the person had always been in the organization: that left no trace in journal or outbox."""
        membership = Membership(
            id=MembershipId(self.ids.new()),
            organization_id=of.organization_id,
            account_id=principal.account.id,
            role=RoleName(role),
            created_at=NOON,
        )
        with self.database.persistence.unit_of_work() as uow:
            uow.memberships.add(membership)
        return self.within(principal, of.organization_id)

    def a_member_who_may(self, of: Actor, *permissions: str, email: str = EVE) -> Actor:
        """A member with a role of the organization's own that grants just that."""
        role = f"role-{len(self.members(of.organization_id))}"
        self.make_role(actor=of, name=role, description="", permissions=permissions)
        return self.a_member(of, email, role=role)

    def now(self, principal: Principal) -> Principal:
        """The same person at their next request."""
        return self.subject(principal).person()

    def subject(self, principal: Principal, organization_id: OrganizationId | None = None) -> Subject:
        """Whom the next request of that person comes from."""
        with self.database.persistence.autocommit() as database:
            found: tuple[Subject, Subject | None] | None = database.access.by_session(
                principal.account.id, principal.session.id, organization_id=organization_id
            )
        assert found
        return found[0]

    def within(self, principal: Principal, organization_id: OrganizationId) -> Actor:
        """Raise OrganizationNotFound if the person does not belong to it."""
        return self.subject(principal, organization_id).within(organization_id)

    def again(self, actor: Actor) -> Actor:
        """The same person at their next request."""
        return self.within(actor.person(), actor.organization_id)

    def by_key(self, secret: str) -> Subject:
        """Whoever calls with that key, in the organization that it was made for."""
        caller, _ = self.authenticate(secret)
        if caller.key and caller.key.organization_id:
            caller, _ = self.authenticate(secret, organization_id=caller.key.organization_id)
        return caller

    def members(self, organization_id: OrganizationId) -> dict[AccountId, RoleName]:
        with self.database.persistence.autocommit() as database:
            page, _ = database.memberships.page_of_organization(organization_id, limit=100, after=None)
        return {each.account_id: each.role for each in page}

    # ---- what there is

    def account(self, id: AccountId) -> Account:
        with self.database.persistence.autocommit() as database:
            account: Account = database.accounts.get(id)
        return account

    def change(self, account: Account) -> None:
        """As if it had always been so."""
        with self.database.persistence.unit_of_work() as uow:
            uow.accounts.save(replace(account, version=uow.accounts.get(account.id).version, events=()))

    def sessions(self, account_id: AccountId) -> list[Session]:
        with self.database.persistence.autocommit() as database:
            sessions: list[Session] = database.sessions.page(account_id, limit=100, after=None, at=self.clock.now())[0]
        return sessions

    def session(self, account_id: AccountId, id: SessionId) -> Session:
        with self.database.persistence.autocommit() as database:
            session: Session | None = database.sessions.find(account_id, id)
        assert session
        return session

    def events(self) -> list[OutboxEvent]:
        """The whole outbox, oldest first."""
        with self.database.persistence.autocommit() as database:
            found = {
                e.id: e for id in {*self.ids.given, INSTALLATION} for e in database.outbox.of_owner(id, limit=10_000)
            }
        return [found[id] for id in sorted(found)]

    def entries(self) -> list[AuditEntry]:
        """The whole audit trail, oldest first."""
        with self.database.persistence.autocommit() as database:
            newest_first: list[AuditEntry] = database.audit.page(None, EntryFilter(), limit=100_000, after=None)[0]
        return newest_first[::-1]

    def event_names(self) -> list[str]:
        return [event.name for event in self.events()]

    # ---- mail

    def queued(self, address: str) -> list[QueuedMail]:
        """What is kept about mail to that address, newest first."""
        with self.database.persistence.autocommit() as database:
            mail: list[QueuedMail] = database.mail.of_address(EmailAddress(address))
        return mail

    def deliver(self) -> list[OutgoingMail]:
        """Send what is due; return what went out."""
        before = len(self.mailer.sent)
        while self.send_queued_mail():
            pass
        return self.mailer.sent[before:]

    def mailed(self, template: str) -> OutgoingMail:
        """Send what is due; return the one mail of that kind that went out."""
        (mail,) = [mail for mail in self.deliver() if mail.template == template]
        return mail

    def mailed_token(self, template: str) -> str:
        return self.mailed(template).values["token"]

    # ---- work

    @contextmanager
    def work(self) -> Iterator[Journal]:
        """What is done meanwhile: hashes, transactions, each call of a repository."""
        done: Journal = []
        before = len(self.journal)
        yield done
        done += self.journal[before:]
