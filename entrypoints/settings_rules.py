"""Settings that parse but must not be served with: unsafe, or unable to work."""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from entrypoints.settings import Settings

_SHORTEST_SECRET = 32
_LEAST_VARIETY = 10
_BROADEST_NETWORK = {4: 8, 6: 16}


def broken_rules(settings: "Settings") -> dict[str, str]:
    """By the name of the setting, what is wrong with it."""
    url = _split(settings.public_url)
    database = settings.database_url.get_secret_value()
    found: dict[str, str] = {}

    def demand(holds: bool, name: str, otherwise: str) -> None:
        if not holds:
            found.setdefault(name, otherwise)

    demand(
        url.scheme in ("http", "https") and bool(url.hostname) and not (url.query or url.fragment),
        "public_url",
        "the address that users reach the service at, like https://accounts.example.com",
    )
    demand(not settings.public_url.endswith("/"), "public_url", "leave out the last slash")
    demand(
        bool(settings.persistence)
        or settings.is_memory
        or bool(re.match(r"sqlite:///(?!:memory:$).|postgres://|postgresql(\+psycopg2)?://", database)),
        "database_url",
        "memory:, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
    )
    demand(
        not settings.persistence or bool(re.fullmatch(r"[\w.]+:[\w.]+", settings.persistence)),
        "persistence",
        "module:factory, like their.module:factory",
    )
    demand(
        settings.workers == 1 or not (settings.is_sqlite or settings.is_memory),
        "workers",
        "SQLite and memory serve one process: use PostgreSQL for more",
    )
    demand(
        not settings.common_passwords_file or Path(settings.common_passwords_file).is_file(),
        "common_passwords_file",
        "there is no such file",
    )
    demand(
        settings.sent_mail_kept >= max(timedelta(hours=1), settings.mail_interval),
        "sent_mail_kept",
        "at least 1h and MAIL_INTERVAL: the limits on mail count what is remembered",
    )
    demand(bool(settings.backend_audiences), "backend_audiences", "name at least one: tokens for organizations need it")
    demand(
        settings.audience not in settings.backend_audiences,
        "backend_audiences",
        "leave out AUDIENCE, Portico's own: a backend could use the tokens that it is sent to call Portico",
    )
    demand(
        all(host == host.lower() and not re.search(r"[/@\[\]]", host) for host in settings.webhook_allowed_hosts),
        "webhook_allowed_hosts",
        "hosts alone, in small letters, without scheme, port or brackets, like hooks.internal or 10.0.0.7",
    )
    demand(
        settings.deliveries_kept >= timedelta(days=4),
        "deliveries_kept",
        "at least 4d: what is retried for three days is to be seen afterwards",
    )
    demand(settings.session_idle <= settings.session_absolute, "session_idle", "longer than SESSION_ABSOLUTE")
    demand(
        settings.factor_first_lock <= settings.factor_longest_lock,
        "factor_first_lock",
        "longer than FACTOR_LONGEST_LOCK",
    )
    demand(
        not settings.passkey_domain or _is_domain_of(settings.passkey_domain, url.hostname or ""),
        "passkey_domain",
        "the host of PUBLIC_URL or a domain above it, like example.com",
    )
    demand(
        settings.mail != "smtp" or bool(settings.smtp_host),
        "smtp_host",
        "the mail server, or MAIL=console in development",
    )
    demand(
        settings.is_development or len(settings.secret_key.get_secret_value()) >= _SHORTEST_SECRET,
        "secret_key",
        f"at least {_SHORTEST_SECRET} random characters: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    )
    demand(
        not re.search(r"[\s,]", settings.secret_key.get_secret_value()),
        "secret_key",
        "leave out spaces and commas: they separate SECRET_KEYS_OLD, where it will go one day",
    )
    demand(
        all(len(old.get_secret_value()) >= _SHORTEST_SECRET for old in settings.secret_keys_old),
        "secret_keys_old",
        f"each has at least {_SHORTEST_SECRET} characters, as SECRET_KEY has",
    )
    if settings.is_development:
        demand(is_loopback(settings.host), "host", "development serves this machine only: 127.0.0.1, ::1 or localhost")
        return found
    demand(_is_https_or_loopback(settings.public_url), "public_url", "must be https")
    demand(
        "*" not in settings.trusted_proxies, "trusted_proxies", "name the networks: with * anybody may forge addresses"
    )
    demand(
        "*" in settings.trusted_proxies or not any(map(_is_broad, settings.trusted_proxies)),
        "trusted_proxies",
        "name the proxies: /8 (IPv4) and /16 (IPv6) are the broadest networks",
    )
    demand("*" not in settings.cors_origins, "cors_origins", "name the origins: with * any page may call")
    demand(
        all(map(_is_safe_origin, settings.cors_origins)),
        "cors_origins",
        "origins are written like https://app.example.com, without a path or a last slash",
    )
    demand(
        len(set(settings.secret_key.get_secret_value())) >= _LEAST_VARIETY,
        "secret_key",
        f"fewer than {_LEAST_VARIETY} different characters are not random: "
        "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    )
    demand(
        settings.access_token_lifetime <= timedelta(hours=1),
        "access_token_lifetime",
        "at most 1h: backends that verify offline learn of a revocation no sooner",
    )
    demand(
        settings.refresh_replay_window <= timedelta(minutes=5),
        "refresh_replay_window",
        "at most 5m: for so long a copied refresh token goes unnoticed",
    )
    demand(settings.refresh_replays <= 100, "refresh_replays", "at most 100: a client tries again a few times")
    demand(settings.verification_tries <= 100, "verification_tries", "at most 100: each is a guess at a password")
    demand(
        all(
            _is_safe_origin(each) and _is_page_of(each, settings.relying_party_id) for each in settings.passkey_origins
        ),
        "passkey_origins",
        "https origins of PASSKEY_DOMAIN, like https://accounts.example.com",
    )
    demand(
        settings.challenge_lifetime <= timedelta(hours=1),
        "challenge_lifetime",
        "at most 1h: for so long a password that was right waits for its second factor",
    )
    for tries in ("challenge_tries", "factor_failures"):
        demand(getattr(settings, tries) <= 100, tries, "at most 100: each is a guess at six digits")
    demand(
        settings.factor_first_lock >= timedelta(minutes=1),
        "factor_first_lock",
        "at least 1m: it is to slow down guesses",
    )
    demand(settings.email_code_tries <= 10, "email_code_tries", "at most 10: each is a guess at six digits")
    demand(
        settings.email_code_lifetime <= timedelta(hours=1),
        "email_code_lifetime",
        "at most 1h: for so long it opens the account to whoever reads the mail",
    )
    demand(
        settings.step_up_after <= timedelta(days=1), "step_up_after", "at most 1d: it would hardly ever be asked for"
    )
    demand(
        not settings.password_range_url or _is_https_or_loopback(settings.password_range_url),
        "password_range_url",
        "must be https: it is told how the hashes of passwords begin",
    )
    demand(settings.mail != "console", "mail", "console mail is for development: use smtp")
    demand(
        settings.smtp_security != "none" or is_loopback(settings.smtp_host),
        "smtp_security",
        "none is for this machine only",
    )
    demand(settings.bcrypt_cost >= 10, "bcrypt_cost", "below 10 it is too cheap to guess")
    demand(not settings.is_memory, "database_url", "memory: forgets everything at the end, and is for development")
    return found


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a bracket that is never closed
        return urlsplit("")


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_https_or_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    )


def _is_safe_origin(origin: str) -> bool:
    """As browsers write one (RFC 6454 section 6.2): compared letter by letter, any other would never match."""
    return bool(re.fullmatch(r"https?://[a-z0-9.\[\]:-]+", origin)) and _is_https_or_loopback(origin)


def _is_domain_of(domain: str, host: str) -> bool:
    """As browsers demand of a relying party (WebAuthn section 5.1.2): addresses are no domains, and whoever shares a
    top-level domain shares nothing else."""
    if _is_address(host):
        return False
    return domain == host or ("." in domain and host.endswith(f".{domain}"))


def _is_page_of(origin: str, domain: str) -> bool:
    parts = _split(origin)
    return parts.scheme == "https" and _is_domain_of(domain, parts.hostname or "")


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def _is_broad(network: str) -> bool:
    parsed = ipaddress.ip_network(network)
    return parsed.prefixlen < _BROADEST_NETWORK[parsed.version]
