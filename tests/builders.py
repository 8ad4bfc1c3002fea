"""Things as tests need them: every field filled, so that a forgotten column shows, and any of them changed by name."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from adapters.environment import Uuid7Ids
from application.ports.environment import Clock, Ids
from domain.accounts import Account, AccountState, EmailAddress
from domain.api_keys import ApiKey, KeyKind
from domain.attempts import AttemptCounter, Bucket
from domain.challenges import Challenge, ChallengeKind
from domain.claims import Claim
from domain.deliveries import Delivery, DeliveryState
from domain.email_changes import EmailChange
from domain.email_codes import EmailCode
from domain.invitations import Invitation
from domain.kernel import (
    AccountId,
    ApiKeyId,
    ChallengeId,
    ClaimId,
    DeliveryId,
    EmailChangeId,
    EmailCodeId,
    InvitationId,
    KeyId,
    MembershipId,
    OrganizationId,
    PasskeyId,
    PasswordResetId,
    RoleId,
    ServiceAccountId,
    SessionId,
    WebhookId,
)
from domain.mail import MailKind, QueuedMail
from domain.memberships import Membership
from domain.organizations import Organization, Slug
from domain.passkeys import Passkey
from domain.passwords import PasswordReset
from domain.permissions import MEMBERS_READ, ORGANIZATION_READ, Permission
from domain.roles import MEMBER, Role, RoleName
from domain.second_factors import PendingTotp, SecondFactors, Totp
from domain.service_accounts import ServiceAccount
from domain.sessions import Session
from domain.signing_keys import KeyState, SigningKey
from domain.trusted_devices import TrustedDevice
from domain.webhooks import EndOfWebhook, EventFilter, WebhookEndpoint

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

_ids = Uuid7Ids()
_numbers = count(1)


@dataclass(slots=True)
class FixedClock(Clock):
    """Stands still until it is told to move."""

    time: datetime = NOON

    def now(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by


@dataclass(frozen=True, slots=True)
class CountingIds(Ids):
    """1, 2, 3 in the form of a UUIDv7: each sorts after the one before, in every run alike."""

    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new(self) -> UUID:
        version, variant = 7 << 76, 0b10 << 62
        return UUID(int=version | variant | next(self.numbers))


def an_address() -> EmailAddress:
    """One that no other test has."""
    return EmailAddress(f"ada-{next(_numbers)}@example.com")


def an_account(**changes: Any) -> Account:
    account = Account(
        id=AccountId(_ids.new()),
        email=an_address(),
        email_verified_at=NOON - 29 * DAY,
        display_name="Ada Löwe 🦉",
        password_hash="$bcrypt-sha256$of-an-account",
        credentials_epoch=2,
        is_operator=True,
        has_second_factor=True,
        state=AccountState.SUSPENDED,
        state_since=NOON - timedelta(microseconds=1),
        created_at=NOON - 30 * DAY,
    )
    return replace(account, **changes)


def an_active_account(**changes: Any) -> Account:
    """One that may sign in, and nothing more."""
    plain = {"state": AccountState.ACTIVE, "is_operator": False, "has_second_factor": False}
    return an_account(**{**plain, **changes})


def a_claim(**changes: Any) -> Claim:
    claim = Claim(
        id=ClaimId(_ids.new()),
        email=an_address(),
        display_name="Grace Höpper",
        password_hash="$bcrypt-sha256$of-a-claim",
        created_at=NOON - HOUR,
        expires_at=NOON + 23 * HOUR,
        tries=1,
    )
    return replace(claim, **changes)


def a_password_reset(**changes: Any) -> PasswordReset:
    reset = PasswordReset(
        id=PasswordResetId(_ids.new()),
        email=an_address(),
        created_at=NOON - MINUTE,
        expires_at=NOON + 29 * MINUTE,
    )
    return replace(reset, **changes)


def an_email_change(**changes: Any) -> EmailChange:
    change = EmailChange(
        id=EmailChangeId(_ids.new()),
        account_id=AccountId(_ids.new()),
        new_email=an_address(),
        created_at=NOON - HOUR,
        expires_at=NOON + 23 * HOUR,
    )
    return replace(change, **changes)


def a_session(**changes: Any) -> Session:
    session = Session(
        id=SessionId(_ids.new()),
        account_id=AccountId(_ids.new()),
        created_at=NOON - 3 * DAY,
        authenticated_at=NOON - 2 * DAY,
        amr=("pwd", "otp"),
        aal=2,
        generation=4,
        rotated_at=NOON - timedelta(seconds=10, microseconds=1),
        replays=1,
        user_agent="Mozilla/5.0 (Lünx)",
        network="192.0.2.7/32",
        last_seen_at=NOON - HOUR,
        idle_expires_at=NOON + 7 * DAY,
        expires_at=NOON + 27 * DAY,
    )
    return replace(session, **changes)


def an_organization(**changes: Any) -> Organization:
    organization = Organization(
        id=OrganizationId(_ids.new()),
        name="Ada Löwe & Söhne 🦉",
        slug=Slug(f"ada-{next(_numbers)}"),
        requires_second_factor=True,
        created_at=NOON - 30 * DAY,
        invitations_counted_since=NOON - HOUR,
        invitations_counted=7,
    )
    return replace(organization, **changes)


def a_membership(**changes: Any) -> Membership:
    membership = Membership(
        id=MembershipId(_ids.new()),
        organization_id=OrganizationId(_ids.new()),
        account_id=AccountId(_ids.new()),
        role=MEMBER,
        created_at=NOON - 29 * DAY,
    )
    return replace(membership, **changes)


def a_role(**changes: Any) -> Role:
    role = Role(
        id=RoleId(_ids.new()),
        organization_id=OrganizationId(_ids.new()),
        name=RoleName(f"clerk-{next(_numbers)}"),
        description="Writes invoices, reads “everything”",
        permissions=frozenset({ORGANIZATION_READ, Permission("invoices:write")}),
        created_at=NOON - 28 * DAY,
    )
    return replace(role, **changes)


def an_invitation(**changes: Any) -> Invitation:
    invitation = Invitation(
        organization_id=OrganizationId(_ids.new()),
        id=InvitationId(_ids.new()),
        email=an_address(),
        role=MEMBER,
        invited_by=AccountId(_ids.new()),
        created_at=NOON - HOUR,
        expires_at=NOON + 47 * HOUR,
    )
    return replace(invitation, **changes)


def a_service_account(**changes: Any) -> ServiceAccount:
    service_account = ServiceAccount(
        organization_id=OrganizationId(_ids.new()),
        id=ServiceAccountId(_ids.new()),
        display_name="Büro, nightly",
        role=MEMBER,
        created_by=AccountId(_ids.new()),
        created_at=NOON - 27 * DAY,
    )
    return replace(service_account, **changes)


def a_service_key(**changes: Any) -> ApiKey:
    """Of a service account: its organization owns it."""
    organization_id = changes.setdefault("organization_id", OrganizationId(_ids.new()))
    key = ApiKey(
        id=ApiKeyId(_ids.new()),
        kind=KeyKind.SERVICE,
        owner_id=organization_id,
        service_account_id=ServiceAccountId(_ids.new()),
        organization_id=organization_id,
        display_name="Büro, the left machine",
        scopes=frozenset({ORGANIZATION_READ, MEMBERS_READ}),
        prefix="ptc_s_0123456789AB",
        digest="v1.api-key.of-the-secret",
        previous_digest="v1.api-key.of-the-one-before",
        previous_expires_at=NOON + DAY,
        created_at=NOON - 26 * DAY,
        expires_at=NOON + 90 * DAY,
        last_used_at=NOON - HOUR,
    )
    return replace(key, **changes)


def a_personal_key(**changes: Any) -> ApiKey:
    """For no organization, unless one is named."""
    personal = {
        "kind": KeyKind.PERSONAL,
        "owner_id": AccountId(_ids.new()),
        "service_account_id": None,
        "organization_id": None,
        "scopes": frozenset({ORGANIZATION_READ}) if changes.get("organization_id") else frozenset(),
        "prefix": "ptc_u_0123456789AB",
    }
    return a_service_key(**{**personal, **changes})


def second_factors(**changes: Any) -> SecondFactors:
    factors = SecondFactors(
        account_id=AccountId(_ids.new()),
        totp=Totp(sealed_secret="v1.key.totp", enrolled_at=NOON - 25 * DAY, last_step=step_of(NOON) - 2),
        pending_totp=PendingTotp(sealed_secret="v1.key.pending-totp", expires_at=NOON + 10 * MINUTE),
        recovery_hashes=tuple(f"v1.recovery-code.{number}" for number in range(3)),
        failures=4,
        locks=2,
        locked_until=NOON - MINUTE,
    )
    return replace(factors, **changes)


def step_of(at: datetime) -> int:
    """The time step of an authenticator app."""
    return int(at.timestamp()) // 30


def a_passkey(**changes: Any) -> Passkey:
    passkey = Passkey(
        account_id=AccountId(_ids.new()),
        id=PasskeyId(_ids.new()),
        display_name="Ada’s 🔑",
        credential_id=b"\0\xff" + _ids.new().bytes,
        public_key=b"\xa5\x01\x02\x03\x26\0 of a test",
        sign_count=7,
        transports=("internal", "hybrid"),
        is_backed_up=True,
        created_at=NOON - 24 * DAY,
        last_used_at=NOON - HOUR,
    )
    return replace(passkey, **changes)


def a_challenge(**changes: Any) -> Challenge:
    """Of an account, unless `owner_id` and `account_id` say otherwise."""
    account_id = changes.setdefault("account_id", AccountId(_ids.new()))
    challenge = Challenge(
        owner_id=account_id or _ids.new(),
        id=ChallengeId(_ids.new()),
        kind=ChallengeKind.SECOND_FACTOR,
        account_id=account_id,
        random=b"\0\xff 32 bytes that nobody foresaw",
        amr=("pwd", "email"),
        credentials_epoch=2,
        device_id=_ids.new(),
        tries=1,
        expires_at=NOON + 4 * MINUTE,
    )
    return replace(challenge, **changes)


def an_email_code(**changes: Any) -> EmailCode:
    code = EmailCode(
        id=EmailCodeId(_ids.new()),
        email=an_address(),
        created_at=NOON - MINUTE,
        expires_at=NOON + 9 * MINUTE,
        tries=1,
    )
    return replace(code, **changes)


def a_trusted_device(**changes: Any) -> TrustedDevice:
    device = TrustedDevice(
        account_id=AccountId(_ids.new()),
        id=_ids.new(),
        user_agent="Mozilla/5.0 (Lünx)",
        network="2001:db8::/64",
        credentials_epoch=2,
        created_at=NOON - 3 * DAY,
        expires_at=NOON + 27 * DAY,
    )
    return replace(device, **changes)


def a_counter(**changes: Any) -> AttemptCounter:
    counter = AttemptCounter(
        address_digest=an_address().digest,
        bucket=Bucket.network("2001:db8::/64"),
        failures=6,
        since=NOON - HOUR,
        blocked_until=NOON + timedelta(seconds=2),
        expires_at=NOON + DAY,
    )
    return replace(counter, **changes)


def a_notice(**changes: Any) -> QueuedMail:
    """A mail that a stranger cannot cause; due at NOON."""
    to = changes.pop("to", None) or an_address()
    notice = QueuedMail(
        address_digest=to.digest,
        slot=str(_ids.new()),
        kind=MailKind.PASSWORD_CHANGED,
        address=to,
        ids={"account_id": str(_ids.new())},
        due_at=NOON,
        tries=2,
        scheduled_at=NOON - MINUTE,
        hour_started_at=NOON - HOUR,
        sent_this_hour=3,
        last_error="450 4.2.1 try again",
    )
    return replace(notice, **changes)


def a_signing_key(**changes: Any) -> SigningKey:
    key = SigningKey(
        id=KeyId(_ids.new()),
        state=KeyState.ACTIVE,
        state_since=NOON - HOUR,
        created_at=NOON - DAY,
        public_pem="-----BEGIN PUBLIC KEY-----\nof a test\n-----END PUBLIC KEY-----\n",
        sealed_private="v1.key.sealed",
    )
    return replace(key, **changes)


def a_webhook(**changes: Any) -> WebhookEndpoint:
    endpoint = WebhookEndpoint(
        owner_id=_ids.new(),
        id=WebhookId(_ids.new()),
        url="https://hooks.example.com/portico",
        description="What the invoices need to know",
        events_wanted=EventFilter(frozenset({"member.*", "organization.renamed"})),
        sealed_secret="sealed",
        previous_sealed_secret="sealed before",
        previous_expires_at=NOON + DAY,
        disabled_because=EndOfWebhook.FAILING,
        disabled_at=NOON + 2 * HOUR,
        failing_since=NOON + HOUR,
        created_by=AccountId(_ids.new()),
        created_at=NOON,
    )
    return replace(endpoint, **changes)


def an_active_webhook(**changes: Any) -> WebhookEndpoint:
    return a_webhook(**{"disabled_because": None, "disabled_at": None, "failing_since": None, **changes})


def a_delivery(**changes: Any) -> Delivery:
    delivery = Delivery(
        owner_id=_ids.new(),
        id=DeliveryId(_ids.new()),
        endpoint_id=WebhookId(_ids.new()),
        aggregate_id=_ids.new(),
        event_owner_id=_ids.new(),
        event_id=_ids.new(),
        event_name="member.added",
        position=2**40,
        state=DeliveryState.FAILED,
        tries=11,
        status=503,
        error="timeout",
        created_at=NOON,
        tried_at=NOON + MINUTE,
        settled_at=NOON + HOUR,
    )
    return replace(delivery, **changes)


def a_waiting_delivery(**changes: Any) -> Delivery:
    fresh = {"state": DeliveryState.PENDING, "tries": 0, "status": None, "error": "", "tried_at": None}
    return a_delivery(**{**fresh, "settled_at": None, **changes})
