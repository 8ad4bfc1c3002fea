"""Which adapter a setting chooses. What is not chosen is not even imported, and what few ask for only when it is asked
for: a worker stays small.
"""

import importlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from adapters.security.common_passwords import ListedPasswords
from adapters.security.remembered_tokens import RememberedAccessTokens
from adapters.security.secret_keys import SecretKeys
from application.ports.environment import Clock, Ids
from application.ports.factors import PasskeyVerifier, TotpCodes
from application.ports.mail import Mailer
from application.ports.security import AccessTokens, CommonPasswords
from application.ports.signing_keys import Keys
from application.ports.unit_of_work import Persistence
from application.ports.webhooks import Courier
from entrypoints.counts import CountedCourier, Counts
from entrypoints.settings import Settings

if TYPE_CHECKING:
    from adapters.mail.console import ConsoleMailer
    from entrypoints.metrics import Metrics
    from entrypoints.tracing import Tracing


def tracing(settings: Settings) -> "Tracing | None":
    if not settings.traces_endpoint:
        return None
    from entrypoints.tracing import Tracing

    return Tracing(settings.traces_endpoint, service=settings.product_name)


def metrics(**parts: Any) -> "Metrics":
    from entrypoints.metrics import Metrics

    return Metrics(**parts)


def open_persistence(settings: Settings, ids: Ids, tracing: "Tracing | None") -> Persistence:
    """The adapter that DATABASE_URL names, or the foreign one that PERSISTENCE names."""
    if settings.persistence:
        module, _, factory = settings.persistence.partition(":")
        return cast(Persistence, getattr(importlib.import_module(module), factory)())
    if settings.is_memory:
        from adapters.memory.database import MemoryDatabase

        return MemoryDatabase(ids=ids)
    from adapters.sql.database import SqlDatabase

    return SqlDatabase(
        settings.database_url.get_secret_value(),
        ids=ids,
        pool_size=settings.pool_size,
        watch=tracing.statement if tracing else None,
    )


def access_tokens(settings: Settings, keys: Keys) -> AccessTokens:
    names = {"issuer": settings.token_issuer, "audience": settings.audience, "client_id": settings.client_id}
    tokens: AccessTokens
    match settings.token_library:
        case "python-jose":
            from adapters.security.jose_tokens import JoseAccessTokens

            tokens = JoseAccessTokens(keys=keys, **names)
        case "joserfc":
            from adapters.security.joserfc_tokens import JoserfcAccessTokens

            tokens = JoserfcAccessTokens(keys=keys, **names)
    return RememberedAccessTokens(tokens, keys)


def common_passwords(settings: Settings) -> CommonPasswords:
    listed = ListedPasswords(settings.common_passwords_file or None)
    if settings.password_range_url:
        import httpx

        from adapters.security.range_service import RangeService

        return RangeService(settings.password_range_url, httpx.Client(), otherwise=listed)
    return listed


def console_mailer(settings: Settings, clock: Clock) -> "ConsoleMailer":
    from adapters.mail.console import ConsoleMailer
    from adapters.mail.rendering import Renderer

    return ConsoleMailer(renderer=Renderer(product=settings.product_name), clock=clock, stream=sys.stdout)


def mailer(settings: Settings, console: Callable[[], "ConsoleMailer"]) -> Mailer:
    if settings.mail == "console":
        return console()
    from adapters.mail.rendering import Renderer
    from adapters.mail.smtp import SmtpMailer

    return SmtpMailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.mail_sender,
        username=settings.smtp_username or None,
        password=settings.smtp_password.get_secret_value() or None,
        security=settings.smtp_security,
        renderer=Renderer(product=settings.product_name),
    )


def courier(settings: Settings, counts: Counts) -> Courier:
    from adapters.webhooks.courier import HttpCourier

    return CountedCourier(HttpCourier(allowed=settings.webhook_allowed_hosts), counts.calls)


def totp_codes() -> TotpCodes:
    from adapters.security.totp import PyotpCodes

    return PyotpCodes()


def passkey_verifier(settings: Settings) -> PasskeyVerifier:
    from adapters.security.passkeys import WebauthnVerifier

    return WebauthnVerifier(
        domain=settings.relying_party_id, origins=settings.relying_party_origins, name=settings.product_name
    )


def secret_keys(settings: Settings) -> SecretKeys:
    return SecretKeys(
        settings.secret_key.get_secret_value(), [old.get_secret_value() for old in settings.secret_keys_old]
    )
