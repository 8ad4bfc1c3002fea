"""One frozen model of all settings, read from the environment and `.env`. It refuses what is unsafe, all at once."""

import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from domain.assurance import AssurancePolicy
from domain.attempts import AttemptPolicy
from domain.claims import Registration, RegistrationPolicy
from domain.email_codes import EmailCodePolicy
from domain.mail import MailPolicy
from domain.passwords import LONGEST_HASHED, PasswordPolicy
from domain.second_factors import FactorPolicy
from domain.sessions import SessionPolicy
from domain.signing_keys import KeyPolicy
from domain.webhooks import WebhookPolicy
from entrypoints.settings_rules import broken_rules

DEVELOPMENT_SECRET = Path(".portico/secret_key")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class SettingsInvalid(Exception):
    """What is wrong, one line a setting."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("\n".join(f"{name}: {problem}" for name, problem in sorted(problems.items())))
        self.problems = dict(problems)


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", value.strip())
    if not match:
        raise ValueError("write a number and a unit: 30s, 10m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _words(value: object) -> object:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _network(value: object) -> object:
    if value == "*":
        return value
    return str(ipaddress.ip_network(str(value), strict=False))


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Networks = Annotated[tuple[Annotated[str, BeforeValidator(_network)], ...], BeforeValidator(_words)]
Count = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Every setting stands in `.env.example` with its default and what it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: Environment = Environment.PRODUCTION
    product_name: str = "Portico"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Count = 1
    public_url: str = "http://localhost:8000"
    trusted_proxies: Networks = ()
    cors_origins: Words = ()
    shutdown_timeout: Duration = timedelta(seconds=20)
    background_work: bool = True

    secret_key: SecretStr = SecretStr("")
    secret_keys_old: Annotated[tuple[SecretStr, ...], BeforeValidator(_words)] = ()

    database_url: SecretStr = SecretStr("sqlite:///portico.sqlite3")
    persistence: str = ""
    worker_threads: Annotated[int, Field(ge=1, le=64)] = 4
    hashing_threads: Annotated[int, Field(ge=0, le=64)] = 0
    hashing_queue: Annotated[int, Field(ge=0)] = 16

    token_library: Literal["python-jose", "joserfc"] = "python-jose"  # noqa: S105 (a name)
    issuer: str = ""
    audience: str = "portico"
    backend_audiences: Words = ("backend",)
    client_id: str = "portico"
    access_token_lifetime: Duration = timedelta(minutes=10)
    session_idle: Duration = timedelta(days=7)
    session_absolute: Duration = timedelta(days=30)
    sessions_per_account: Count = 50
    refresh_replay_window: Duration = timedelta(seconds=30)
    refresh_replays: Annotated[int, Field(ge=0)] = 5
    device_lifetime: Duration = timedelta(days=180)

    registration: Registration = Registration.OPEN
    registration_requires_verification: bool = True
    verification_lifetime: Duration = timedelta(hours=24)
    verification_tries: Count = 5
    email_change_lifetime: Duration = timedelta(hours=24)
    organizations_per_account: Count = 100
    invitation_lifetime: Duration = timedelta(hours=48)
    invitations_a_day: Count = 500
    api_key_overlap: Duration = timedelta(hours=24)

    step_up_after: Duration = timedelta(minutes=15)
    operators_need_second_factor: bool = True
    passkey_domain: str = ""
    passkey_origins: Words = ()
    passkeys_per_account: Annotated[int, Field(ge=1, le=100)] = 20
    challenge_lifetime: Duration = timedelta(minutes=5)
    challenge_tries: Count = 5
    factor_failures: Count = 10
    factor_first_lock: Duration = timedelta(minutes=15)
    factor_longest_lock: Duration = timedelta(hours=24)
    trusted_device_lifetime: Duration = timedelta(days=30)
    email_code_lifetime: Duration = timedelta(minutes=10)
    email_code_tries: Count = 3

    password_hash: Literal["bcrypt_sha256", "argon2"] = "bcrypt_sha256"  # noqa: S105 (a name)
    bcrypt_cost: Annotated[int, Field(ge=4, le=16)] = 12
    password_shortest: Annotated[int, Field(ge=8, le=64)] = 12
    password_longest: Annotated[int, Field(ge=64, le=LONGEST_HASHED)] = 128
    password_least_score: Annotated[int, Field(ge=0, le=4)] = 3
    password_reset_lifetime: Duration = timedelta(minutes=30)
    common_passwords_file: str = ""
    password_range_url: str = ""

    attempts_by_network: Count = 5
    attempts_by_device: Count = 10
    attempts_a_day: Count = 100
    attempt_first_delay: Duration = timedelta(seconds=1)
    attempt_longest_delay: Duration = timedelta(minutes=15)

    mail: Literal["console", "smtp"] = "smtp"
    mail_sender: str = "portico@localhost"
    smtp_host: str = ""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    mail_interval: Duration = timedelta(minutes=1)
    mail_per_hour: Count = 30
    mail_tries: Count = 20
    sent_mail_kept: Duration = timedelta(hours=24)

    audit_kept: Duration = timedelta(days=400)
    events_kept: Duration = timedelta(days=30)

    webhook_allowed_hosts: Words = ()
    webhook_secret_overlap: Duration = timedelta(hours=24)
    webhook_off_after: Duration = timedelta(days=5)
    deliveries_kept: Duration = timedelta(days=30)

    metrics_token: SecretStr = SecretStr("")
    traces_endpoint: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console", ""] = ""

    @property
    def is_development(self) -> bool:
        return self.environment is Environment.DEVELOPMENT

    @property
    def serves_metrics(self) -> bool:
        return self.is_development or bool(self.metrics_token.get_secret_value())

    @property
    def is_sqlite(self) -> bool:
        return not self.persistence and self.database_url.get_secret_value().startswith("sqlite:")

    @property
    def is_memory(self) -> bool:
        return not self.persistence and self.database_url.get_secret_value() == "memory:"

    @property
    def hashing_thread_count(self) -> int:
        """As many as this worker's share of the cores; more would only make each hash slower."""
        return self.hashing_threads or max(1, (os.cpu_count() or 1) // self.workers)

    @property
    def pool_size(self) -> int:
        """Every thread that may hold a connection: for requests, for what hashes, and four in the background."""
        return self.worker_threads + (self.hashing_thread_count + 1) + 4

    @property
    def token_issuer(self) -> str:
        return self.issuer or self.public_url

    @property
    def registration_policy(self) -> RegistrationPolicy:
        return RegistrationPolicy(
            mode=self.registration,
            requires_verification=self.registration_requires_verification,
            claim_lifetime=self.verification_lifetime,
            tries=self.verification_tries,
        )

    @property
    def password_policy(self) -> PasswordPolicy:
        return PasswordPolicy(
            shortest=self.password_shortest,
            longest=self.password_longest,
            least_score=self.password_least_score,
            reset_lifetime=self.password_reset_lifetime,
        )

    @property
    def session_policy(self) -> SessionPolicy:
        return SessionPolicy(
            idle=self.session_idle,
            absolute=self.session_absolute,
            most_live=self.sessions_per_account,
            replay_window=self.refresh_replay_window,
            most_replays=self.refresh_replays,
            access_token_lifetime=self.access_token_lifetime,
            device_lifetime=self.device_lifetime,
        )

    @property
    def attempt_policy(self) -> AttemptPolicy:
        return AttemptPolicy(
            failures_by_network=self.attempts_by_network,
            failures_by_device=self.attempts_by_device,
            failures_a_day=self.attempts_a_day,
            first_delay=self.attempt_first_delay,
            longest_delay=self.attempt_longest_delay,
        )

    @property
    def assurance_policy(self) -> AssurancePolicy:
        return AssurancePolicy(
            fresh_for=self.step_up_after, operators_need_second_factor=self.operators_need_second_factor
        )

    @property
    def factor_policy(self) -> FactorPolicy:
        return FactorPolicy(
            challenge_lifetime=self.challenge_lifetime,
            challenge_tries=self.challenge_tries,
            failures=self.factor_failures,
            first_lock=self.factor_first_lock,
            longest_lock=self.factor_longest_lock,
            trust_lifetime=self.trusted_device_lifetime,
            most_passkeys=self.passkeys_per_account,
        )

    @property
    def email_code_policy(self) -> EmailCodePolicy:
        return EmailCodePolicy(lifetime=self.email_code_lifetime, tries=self.email_code_tries)

    @property
    def relying_party_id(self) -> str:
        """The domain that passkeys belong to, for good (WebAuthn section 5.1.2)."""
        return self.passkey_domain or urlsplit(self.public_url).hostname or ""

    @property
    def relying_party_origins(self) -> tuple[str, ...]:
        """As browsers write them: in small letters, without the port that goes without saying."""
        url = urlsplit(self.public_url)
        usual = {"http": ":80", "https": ":443"}.get(url.scheme, "")
        return self.passkey_origins or (f"{url.scheme}://{url.netloc.lower().removesuffix(usual)}",)

    @property
    def mail_policy(self) -> MailPolicy:
        return MailPolicy(
            least_interval=self.mail_interval, most_an_hour=self.mail_per_hour, most_tries=self.mail_tries
        )

    @property
    def webhook_policy(self) -> WebhookPolicy:
        return WebhookPolicy(
            off_after=self.webhook_off_after, secret_overlap=self.webhook_secret_overlap, kept=self.deliveries_kept
        )

    @property
    def key_policy(self) -> KeyPolicy:
        return KeyPolicy(retiring_for=self.access_token_lifetime + timedelta(minutes=1))

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ, env_file: Path = Path(".env")) -> Self:
        """Read `env_file` and `environ`, which wins. Raise SettingsInvalid naming every bad setting."""
        given = {**dotenv_values(env_file), **environ}
        values = {name: given[name.upper()] for name in cls.model_fields if given.get(name.upper())}
        if values.get("environment") == Environment.DEVELOPMENT and "secret_key" not in values:
            values["secret_key"] = development_secret(env_file.parent / DEVELOPMENT_SECRET)
        problems: dict[str, str] = {}
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            problems = {str(e["loc"][0]): e["msg"].removeprefix("Value error, ") for e in error.errors()}
            # The rest is judged as if the bad ones had been left out, so that one start names everything.
            settings = cls.model_validate({name: v for name, v in values.items() if name not in problems})
        for name, problem in broken_rules(settings).items():
            problems.setdefault(name, problem)
        if problems:
            raise SettingsInvalid({name.upper(): problem for name, problem in problems.items()})
        return settings


def unknown_names(env_file: Path = Path(".env")) -> list[str]:
    """What stands in `env_file` and sets nothing here: perhaps a typing error, perhaps for another program."""
    return sorted(dotenv_values(env_file).keys() - {name.upper() for name in Settings.model_fields})


def development_secret(path: Path) -> str:
    """Made once, readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secret := secrets.token_urlsafe(48))
    return secret
