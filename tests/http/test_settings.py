import re
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.assurance import AssurancePolicy
from domain.attempts import AttemptPolicy
from domain.claims import RegistrationPolicy
from domain.email_codes import EmailCodePolicy
from domain.mail import MailPolicy
from domain.passwords import PasswordPolicy
from domain.second_factors import FactorPolicy
from domain.sessions import SessionPolicy
from domain.signing_keys import KeyPolicy
from entrypoints.settings import Settings, SettingsInvalid

EXAMPLE = Path(__file__).parents[2] / ".env.example"
SECRET = "0123456789abcdef" * 2
DEVELOPMENT = {"ENVIRONMENT": "development", "MAIL": "console", "SECRET_KEY": SECRET}
PRODUCTION = {"SECRET_KEY": SECRET, "SMTP_HOST": "mail.example.com", "PUBLIC_URL": "https://accounts.example.com"}
NOWHERE = Path("/nonexistent/.env")


def loaded(environ: dict[str, str], **changes: str) -> Settings:
    return Settings.load({**environ, **changes}, NOWHERE)


def refused(environ: dict[str, str], **changes: str) -> dict[str, str]:
    with pytest.raises(SettingsInvalid) as refusal:
        loaded(environ, **changes)
    return refusal.value.problems


def test_nothing_but_what_is_needed_must_be_set() -> None:
    loaded(PRODUCTION)
    loaded(DEVELOPMENT)
    assert set(refused({})) == {"SECRET_KEY", "SMTP_HOST"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("WORKERS", "0"),
        ("WORKERS", "2"),
        ("PUBLIC_URL", "accounts.example.com"),
        ("PUBLIC_URL", "ftp://accounts.example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://accounts.example.com/"),
        ("PUBLIC_URL", "https://accounts.example.com?a=b"),
        ("PUBLIC_URL", "https://accounts.example.com#a"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "10.0.0.1 proxy.example.com"),
        ("SHUTDOWN_TIMEOUT", "20"),
        ("SHUTDOWN_TIMEOUT", "0s"),
        ("BACKGROUND_WORK", "perhaps"),
        ("SECRET_KEY", f"{SECRET} and more"),
        ("SECRET_KEYS_OLD", f"{SECRET} short"),
        ("DATABASE_URL", "mysql://localhost/portico"),
        ("DATABASE_URL", "postgresql+psycopg://localhost/portico"),
        ("PERSISTENCE", "no_factory"),
        ("PERSISTENCE", "os:system('x')"),
        ("WORKER_THREADS", "0"),
        ("WORKER_THREADS", "65"),
        ("HASHING_THREADS", "-1"),
        ("HASHING_QUEUE", "-1"),
        ("TOKEN_LIBRARY", "pyjwt"),
        ("BACKEND_AUDIENCES", ","),
        ("BACKEND_AUDIENCES", "portico"),
        ("BACKEND_AUDIENCES", "invoicing portico"),
        ("ACCESS_TOKEN_LIFETIME", "ten minutes"),
        ("SESSION_IDLE", "31d"),
        ("FACTOR_FIRST_LOCK", "25h"),
        ("FACTOR_FAILURES", "0"),
        ("CHALLENGE_TRIES", "0"),
        ("EMAIL_CODE_TRIES", "0"),
        ("PASSKEYS_PER_ACCOUNT", "0"),
        ("PASSKEYS_PER_ACCOUNT", "101"),
        ("PASSKEY_DOMAIN", "com"),
        ("PASSKEY_DOMAIN", "evil.example"),
        ("PASSKEY_DOMAIN", "other.accounts.example.com"),
        ("PASSKEY_DOMAIN", "ample.com"),
        ("PASSKEY_DOMAIN", ".example.com"),
        ("PASSKEY_DOMAIN", "https://example.com"),
        ("PASSKEY_DOMAIN", "127.0.0.1"),
        ("SESSIONS_PER_ACCOUNT", "0"),
        ("ORGANIZATIONS_PER_ACCOUNT", "0"),
        ("INVITATIONS_A_DAY", "0"),
        ("REFRESH_REPLAYS", "-1"),
        ("REGISTRATION", "ajar"),
        ("VERIFICATION_TRIES", "0"),
        ("PASSWORD_HASH", "md5"),
        ("BCRYPT_COST", "3"),
        ("BCRYPT_COST", "17"),
        ("PASSWORD_SHORTEST", "7"),
        ("PASSWORD_LONGEST", "63"),
        ("PASSWORD_LONGEST", "4097"),
        ("PASSWORD_LEAST_SCORE", "5"),
        ("ATTEMPTS_BY_NETWORK", "0"),
        ("MAIL", "pigeon"),
        ("SMTP_PORT", "0"),
        ("SMTP_SECURITY", "ssl"),
        ("MAIL_PER_HOUR", "0"),
        ("SENT_MAIL_KEPT", "59m"),
        ("METRICS_TOKEN", f"{SECRET} and more"),
        ("TRACES_ENDPOINT", "collector:4318"),
        ("TRACES_ENDPOINT", "grpc://collector:4317"),
        ("TRACES_ENDPOINT", "http:///v1/traces"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_senseless_value_is_refused_everywhere(name: str, value: str) -> None:
    assert set(refused(PRODUCTION, **{name: value})) == {name}
    assert name in refused(DEVELOPMENT, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", SECRET[:31]),
        ("SECRET_KEY", "012345678" * 5),
        ("PUBLIC_URL", "http://accounts.example.com"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "192.0.2.7 10.0.0.0/7"),
        ("TRUSTED_PROXIES", "2001::/15"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://a.example http://b.example"),
        ("CORS_ORIGINS", "https://a.example/"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("CORS_ORIGINS", "https://a.example?b"),
        ("CORS_ORIGINS", "https://ada@a.example"),
        ("CORS_ORIGINS", "https://A.example"),
        ("CORS_ORIGINS", "https://["),
        ("CORS_ORIGINS", "a.example"),
        ("CORS_ORIGINS", "null"),
        ("ACCESS_TOKEN_LIFETIME", "61m"),
        ("PASSKEY_ORIGINS", "http://accounts.example.com"),
        ("PASSKEY_ORIGINS", "https://accounts.example.com https://evil.example"),
        ("PASSKEY_ORIGINS", "https://evilaccounts.example.com"),
        ("PASSKEY_ORIGINS", "https://example.com"),
        ("PASSKEY_ORIGINS", "https://accounts.example.com/"),
        ("PASSKEY_ORIGINS", "https://Accounts.example.com"),
        ("PASSKEY_ORIGINS", "accounts.example.com"),
        ("PASSKEY_ORIGINS", "http://localhost:3000"),
        ("PASSKEY_ORIGINS", "https://["),
        ("CHALLENGE_LIFETIME", "61m"),
        ("CHALLENGE_TRIES", "101"),
        ("FACTOR_FAILURES", "101"),
        ("FACTOR_FIRST_LOCK", "59s"),
        ("EMAIL_CODE_TRIES", "11"),
        ("EMAIL_CODE_LIFETIME", "61m"),
        ("STEP_UP_AFTER", "25h"),
        ("REFRESH_REPLAY_WINDOW", "301s"),
        ("REFRESH_REPLAYS", "101"),
        ("VERIFICATION_TRIES", "101"),
        ("PASSWORD_RANGE_URL", "http://range.example.com"),
        ("PASSWORD_RANGE_URL", "range.example.com"),
        ("MAIL", "console"),
        ("SMTP_SECURITY", "none"),
        ("BCRYPT_COST", "9"),
        ("METRICS_TOKEN", SECRET[:31]),
        ("DATABASE_URL", "memory:"),
    ],
)
def test_what_is_unsafe_is_for_development(name: str, value: str) -> None:
    assert set(refused(PRODUCTION, **{name: value})) == {name}
    loaded(DEVELOPMENT, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "0123456789" * 4),
        ("TRUSTED_PROXIES", "10.0.0.0/8 2001::/16"),
        ("CORS_ORIGINS", "https://a.example https://a.example:8443 http://localhost:3000 http://[::1]:3000"),
        ("ACCESS_TOKEN_LIFETIME", "1h"),
        ("PASSKEY_DOMAIN", "accounts.example.com"),
        ("PASSKEY_DOMAIN", "example.com"),
        ("PASSKEY_ORIGINS", "https://accounts.example.com https://a.accounts.example.com:8443"),
        ("CHALLENGE_LIFETIME", "1h"),
        ("CHALLENGE_TRIES", "100"),
        ("FACTOR_FAILURES", "100"),
        ("FACTOR_FIRST_LOCK", "1m"),
        ("FACTOR_FIRST_LOCK", "24h"),
        ("EMAIL_CODE_TRIES", "10"),
        ("EMAIL_CODE_LIFETIME", "1h"),
        ("STEP_UP_AFTER", "1d"),
        ("REFRESH_REPLAY_WINDOW", "5m"),
        ("REFRESH_REPLAYS", "100"),
        ("VERIFICATION_TRIES", "100"),
        ("PASSWORD_RANGE_URL", "https://range.example.com/range"),
        ("PASSWORD_RANGE_URL", "http://127.0.0.1:9000/range"),
        ("SENT_MAIL_KEPT", "1h"),
        ("METRICS_TOKEN", SECRET),
        ("TRACES_ENDPOINT", "http://127.0.0.1:4318/v1/traces"),
        ("TRACES_ENDPOINT", "https://collector.example.com/v1/traces"),
    ],
)
def test_what_is_just_safe_enough_is_served(name: str, value: str) -> None:
    loaded(PRODUCTION, **{name: value})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])  # noqa: S104 (it is refused)
def test_development_serves_this_machine_only(host: str) -> None:
    assert set(refused(DEVELOPMENT, HOST=host)) == {"HOST"}
    loaded(PRODUCTION, HOST=host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_has_several_names(host: str) -> None:
    loaded(DEVELOPMENT, HOST=host)
    loaded(PRODUCTION, SMTP_SECURITY="none", SMTP_HOST=host)


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:8000"])
def test_plain_http_is_for_this_machine_only(url: str) -> None:
    loaded(PRODUCTION, PUBLIC_URL=url)


def test_passkeys_may_belong_to_this_machine() -> None:
    loaded(DEVELOPMENT, PASSKEY_DOMAIN="localhost", PASSKEY_ORIGINS="http://localhost:8000 http://localhost:3000")
    assert set(refused(DEVELOPMENT, PUBLIC_URL="http://127.0.0.1", PASSKEY_DOMAIN="127.0.0.1")) == {"PASSKEY_DOMAIN"}
    assert set(refused(DEVELOPMENT, PUBLIC_URL="http://127.0.0.1", PASSKEY_DOMAIN="0.0.1")) == {"PASSKEY_DOMAIN"}


def test_passkeys_of_a_whole_domain_may_come_from_any_of_its_pages() -> None:
    shared = {"PASSKEY_DOMAIN": "example.com", "PASSKEY_ORIGINS": "https://example.com https://app.example.com"}
    settings = loaded(PRODUCTION, **shared)
    assert settings.relying_party_id == "example.com"
    assert settings.relying_party_origins == ("https://example.com", "https://app.example.com")


def test_passkeys_belong_to_where_users_reach_the_service() -> None:
    settings = loaded(PRODUCTION, PUBLIC_URL="https://Accounts.Example.com:8443/portico")
    assert settings.relying_party_id == "accounts.example.com"
    assert settings.relying_party_origins == ("https://accounts.example.com:8443",)
    for url in ("https://accounts.example.com:443", "https://accounts.example.com"):
        assert loaded(PRODUCTION, PUBLIC_URL=url).relying_party_origins == ("https://accounts.example.com",)


@pytest.mark.parametrize("environ", [DEVELOPMENT, PRODUCTION])
def test_smtp_needs_a_server(environ: dict[str, str]) -> None:
    assert set(refused(environ, MAIL="smtp", SMTP_HOST="")) == {"SMTP_HOST"}


def test_mail_is_remembered_for_as_long_as_it_delays_the_next() -> None:
    loaded(PRODUCTION, MAIL_INTERVAL="2h", SENT_MAIL_KEPT="2h")
    assert set(refused(PRODUCTION, MAIL_INTERVAL="2h", SENT_MAIL_KEPT="1h")) == {"SENT_MAIL_KEPT"}


@pytest.mark.parametrize("url", ["sqlite:///portico.sqlite3", "sqlite:////var/lib/portico/portico.sqlite3"])
def test_sqlite_serves_one_process(url: str) -> None:
    assert set(refused(PRODUCTION, DATABASE_URL=url, WORKERS="2")) == {"WORKERS"}


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_postgres_serves_many(scheme: str) -> None:
    assert loaded(PRODUCTION, DATABASE_URL=f"{scheme}://u:p@db/portico", WORKERS="8").workers == 8


def test_an_adapter_from_outside_takes_the_place_of_the_database_url() -> None:
    settings = loaded(PRODUCTION, PERSISTENCE="their.module:factory", DATABASE_URL="theirs://x", WORKERS="2")
    assert not settings.is_sqlite
    assert not settings.is_memory


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(SettingsInvalid) as refusal:
        loaded({"PORT": "x", "MAIL": "console", "BCRYPT_COST": "4", "SESSION_IDLE": "60d", "CORS_ORIGINS": "*"})
    assert set(refusal.value.problems) == {
        "PORT",
        "MAIL",
        "BCRYPT_COST",
        "SESSION_IDLE",
        "CORS_ORIGINS",
        "SECRET_KEY",
    }
    lines = str(refusal.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == sorted(refusal.value.problems)


def test_a_refusal_repeats_no_secret() -> None:
    secrets = {
        "SECRET_KEY": "short-and-secret",
        "SECRET_KEYS_OLD": "old-and-secret",
        "DATABASE_URL": "mysql://user:db-secret@db/portico",
    }
    with pytest.raises(SettingsInvalid) as refusal:
        loaded(PRODUCTION, **secrets)
    assert set(refusal.value.problems) == set(secrets)
    assert "-secret" not in str(refusal.value)


def test_settings_show_no_secret() -> None:
    secrets = {
        "SECRET_KEY": "the-present-secret-" + SECRET,
        "SECRET_KEYS_OLD": "the-former-secret-" + SECRET,
        "SMTP_PASSWORD": "the-mail-secret",
        "METRICS_TOKEN": "the-metrics-secret-" + SECRET,
        "DATABASE_URL": "postgresql://portico:the-db-secret@db/portico",
    }
    settings = loaded(PRODUCTION, **secrets)
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "-secret" not in shown


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1s", timedelta(seconds=1)),
        ("10m", timedelta(minutes=10)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        (" 30s ", timedelta(seconds=30)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(written: str, meant: timedelta) -> None:
    assert loaded(PRODUCTION, SHUTDOWN_TIMEOUT=written).shutdown_timeout == meant


@pytest.mark.parametrize("written", ["10", "m", "10 m", "1.5h", "-1s", "0d", "10M", "1w", "9999999s", "PT10M", "١s"])
def test_what_is_no_duration_is_refused_with_an_example(written: str) -> None:
    problems = refused(PRODUCTION, SHUTDOWN_TIMEOUT=written)
    assert problems == {"SHUTDOWN_TIMEOUT": "write a number and a unit: 30s, 10m, 24h or 7d"}


def test_porticos_own_audience_is_no_backends_whatever_it_is() -> None:
    assert loaded(PRODUCTION, AUDIENCE="accounts", BACKEND_AUDIENCES="portico").backend_audiences == ("portico",)
    assert set(refused(PRODUCTION, AUDIENCE="backend")) == {"BACKEND_AUDIENCES"}


def test_lists_are_written_with_spaces_or_commas() -> None:
    for written in (
        "https://a.example https://b.example",
        "https://a.example,https://b.example",
        "https://a.example, https://b.example ",
    ):
        assert loaded(PRODUCTION, CORS_ORIGINS=written).cors_origins == ("https://a.example", "https://b.example")
    networks = loaded(PRODUCTION, TRUSTED_PROXIES="10.1.2.3/8 192.0.2.7, 2001:db8::1/32").trusted_proxies
    assert networks == ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32")


def test_an_empty_value_is_the_default() -> None:
    assert loaded(PRODUCTION, PORT="", SESSION_IDLE="") == loaded(PRODUCTION)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=1111\nWORKER_THREADS=7\n# a comment\nPRODUCT_NAME='From the file'\n")
    settings = Settings.load({**PRODUCTION, "PORT": "2222"}, file)
    assert (settings.port, settings.worker_threads, settings.product_name) == (2222, 7, "From the file")


def test_settings_do_not_change(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded(PRODUCTION).port = 1


def test_development_makes_a_secret_and_keeps_it(tmp_path: Path) -> None:
    environ = {"ENVIRONMENT": "development", "MAIL": "console"}
    first = Settings.load(environ, tmp_path / ".env").secret_key.get_secret_value()
    assert len(first) >= 32
    assert Settings.load(environ, tmp_path / ".env").secret_key.get_secret_value() == first
    file = tmp_path / ".portico" / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    other = Settings.load(environ, tmp_path / "other" / ".env").secret_key.get_secret_value()
    assert other != first


def test_production_makes_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid):
        Settings.load({"SMTP_HOST": "localhost"}, tmp_path / ".env")
    assert list(tmp_path.iterdir()) == []


def in_the_example() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE.read_text(), flags=re.MULTILINE))


def written(name: str, settings: Settings) -> str:
    """The value as `.env.example` writes it."""
    value: Any = getattr(settings, name)
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        # As much as one unit says, the way a person would put it.
        for unit, size, least in (("d", 86_400, 2), ("h", 3_600, 1), ("m", 60, 1)):
            if seconds % size == 0 and seconds >= least * size:
                return f"{seconds // size}{unit}"
        return f"{seconds}s"
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(value) if isinstance(value, tuple) else str(value)


def test_every_setting_stands_in_the_example_and_no_other() -> None:
    assert set(in_the_example()) == {name.upper() for name in Settings.model_fields}


def test_what_is_commented_out_in_the_example_is_the_default() -> None:
    defaults = Settings()
    for name, value in re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE.read_text(), flags=re.MULTILINE):
        assert value == written(name.lower(), defaults), name


def test_the_example_serves_as_it_stands(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text(EXAMPLE.read_text())
    settings = Settings.load({}, env)
    assert settings.is_development
    assert settings.is_sqlite


def test_every_setting_of_a_policy_reaches_it() -> None:
    settings = loaded(
        PRODUCTION,
        REGISTRATION="invited",
        REGISTRATION_REQUIRES_VERIFICATION="false",
        VERIFICATION_LIFETIME="1h",
        VERIFICATION_TRIES="2",
        PASSWORD_SHORTEST="8",
        PASSWORD_LONGEST="64",
        PASSWORD_LEAST_SCORE="2",
        PASSWORD_RESET_LIFETIME="5m",
        SESSION_IDLE="1d",
        SESSION_ABSOLUTE="2d",
        SESSIONS_PER_ACCOUNT="3",
        REFRESH_REPLAY_WINDOW="4s",
        REFRESH_REPLAYS="6",
        ACCESS_TOKEN_LIFETIME="5m",
        DEVICE_LIFETIME="9d",
        ATTEMPTS_BY_NETWORK="2",
        ATTEMPTS_BY_DEVICE="3",
        ATTEMPTS_A_DAY="4",
        ATTEMPT_FIRST_DELAY="5s",
        ATTEMPT_LONGEST_DELAY="6m",
        STEP_UP_AFTER="7m",
        OPERATORS_NEED_SECOND_FACTOR="false",
        CHALLENGE_LIFETIME="2m",
        CHALLENGE_TRIES="4",
        FACTOR_FAILURES="6",
        FACTOR_FIRST_LOCK="8m",
        FACTOR_LONGEST_LOCK="9m",
        TRUSTED_DEVICE_LIFETIME="1d",
        PASSKEYS_PER_ACCOUNT="11",
        EMAIL_CODE_LIFETIME="3m",
        EMAIL_CODE_TRIES="2",
        MAIL_INTERVAL="2m",
        MAIL_PER_HOUR="3",
        MAIL_TRIES="4",
    )
    minute, day = timedelta(minutes=1), timedelta(days=1)
    assert settings.registration_policy == RegistrationPolicy(
        mode=settings.registration, requires_verification=False, claim_lifetime=60 * minute, tries=2
    )
    assert settings.password_policy == PasswordPolicy(shortest=8, longest=64, least_score=2, reset_lifetime=5 * minute)
    assert settings.session_policy == SessionPolicy(
        idle=day,
        absolute=2 * day,
        most_live=3,
        replay_window=timedelta(seconds=4),
        most_replays=6,
        access_token_lifetime=5 * minute,
        device_lifetime=9 * day,
    )
    assert settings.attempt_policy == AttemptPolicy(
        failures_by_network=2,
        failures_by_device=3,
        failures_a_day=4,
        first_delay=timedelta(seconds=5),
        longest_delay=6 * minute,
    )
    assert settings.assurance_policy == AssurancePolicy(fresh_for=7 * minute, operators_need_second_factor=False)
    assert settings.factor_policy == FactorPolicy(
        challenge_lifetime=2 * minute,
        challenge_tries=4,
        failures=6,
        first_lock=8 * minute,
        longest_lock=9 * minute,
        trust_lifetime=day,
        most_passkeys=11,
    )
    assert settings.email_code_policy == EmailCodePolicy(lifetime=3 * minute, tries=2)
    assert settings.mail_policy == MailPolicy(least_interval=2 * minute, most_an_hour=3, most_tries=4)
    assert settings.key_policy == KeyPolicy(retiring_for=6 * minute)


def test_the_defaults_of_settings_are_those_of_the_domain() -> None:
    settings = loaded(PRODUCTION)
    assert settings.registration_policy == RegistrationPolicy()
    assert settings.password_policy == PasswordPolicy()
    assert settings.session_policy == SessionPolicy()
    assert settings.attempt_policy == AttemptPolicy()
    assert settings.assurance_policy == AssurancePolicy()
    assert settings.factor_policy == FactorPolicy()
    assert settings.email_code_policy == EmailCodePolicy()
    assert settings.mail_policy == MailPolicy()
    assert settings.key_policy == KeyPolicy()


def test_every_thread_may_hold_a_connection() -> None:
    assert loaded(PRODUCTION, WORKER_THREADS="5", HASHING_THREADS="3").pool_size == 13
    assert loaded(PRODUCTION, HASHING_THREADS="0").hashing_thread_count >= 1


def test_the_issuer_is_where_users_reach_the_service() -> None:
    assert loaded(PRODUCTION).token_issuer == PRODUCTION["PUBLIC_URL"]
    assert loaded(PRODUCTION, ISSUER="https://issuer.example").token_issuer == "https://issuer.example"
