import base64
from datetime import timedelta
from uuid import UUID

import pytest

from domain.audit import INSTALLATION
from domain.kernel import AccountId, WebhookId
from domain.webhooks import (
    ALL_EVENTS,
    MOST_PATTERNS,
    EndOfWebhook,
    EventFilter,
    InvalidWebhook,
    WebhookEndpoint,
    WebhookPolicy,
    WebhookSecret,
    parse_description,
    parse_webhook_url,
)
from tests.builders import DAY, HOUR, MINUTE, NOON, a_webhook, an_active_webhook

BY = AccountId(UUID(int=8))
POLICY = WebhookPolicy()
ALLOWED = ("receiver.internal", "10.0.0.7", "localhost", "::1")


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("https://hooks.example.com/portico?tenant=7", "https://hooks.example.com/portico?tenant=7"),
        (" https://hooks.example.com ", "https://hooks.example.com/"),
        ("HTTPS://Hooks.Example.COM/Path", "https://hooks.example.com/Path"),
        ("https://hooks.example.com:8443/x", "https://hooks.example.com:8443/x"),
        ("https://xn--lwe-sna.example/", "https://xn--lwe-sna.example/"),
    ],
)
def test_an_address_is_kept_as_it_is_called(raw: str, kept: str) -> None:
    assert parse_webhook_url(raw) == kept


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https:///path",
        "https://user@hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com/#",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:port/",
        "https://hooks.example.com\\@evil.example/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nHost: evil.example",
        "https://löwe.example/",
        "https://hooks.example.com/" + "x" * 2000,
        "https://localhost/",
        "https://localhost./",
        "https://intranet/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://127.0.0.1/",
        "https://10.0.0.7/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::1/",
        "https://-hooks.example.com/",
        "https://hooks..example.com/",
    ],
)
def test_what_can_never_be_called_is_refused(raw: str) -> None:
    with pytest.raises(InvalidWebhook) as refusal:
        parse_webhook_url(raw)
    assert refusal.value.field == "url"


@pytest.mark.parametrize(
    "raw", ["http://receiver.internal:9000/", "https://10.0.0.7/", "http://localhost/", "http://[::1]:9000/hook"]
)
def test_a_host_that_is_allowed_by_name_may_be_private_and_without_tls(raw: str) -> None:
    assert parse_webhook_url(raw, allowed_hosts=ALLOWED) == raw
    with pytest.raises(InvalidWebhook):
        parse_webhook_url(raw)


@pytest.mark.parametrize("raw", ["ftp://localhost/", "http://user@localhost/", "http://other.internal/"])
def test_what_is_allowed_by_name_is_that_host_alone_and_the_web_alone(raw: str) -> None:
    with pytest.raises(InvalidWebhook):
        parse_webhook_url(raw, allowed_hosts=ALLOWED)


@pytest.mark.parametrize(
    ("patterns", "wanted", "unwanted"),
    [
        (["*"], ["member.added", "a.b.c"], []),
        (["member.added"], ["member.added"], ["member.removed", "member", "member.added.twice"]),
        (["member.*"], ["member.added", "member.role.changed"], ["members.added", "member", "organization.member.x"]),
        (["member.*", "session.ended"], ["member.added", "session.ended"], ["session.started"]),
        (["a.b.*"], ["a.b.c", "a.b.c.d"], ["a.b", "a.c.b"]),
    ],
)
def test_events_are_wanted_by_name_by_beginning_or_all(
    patterns: list[str], wanted: list[str], unwanted: list[str]
) -> None:
    judged = EventFilter.parse(patterns)
    assert [name for name in [*wanted, *unwanted] if judged.wants(name)] == wanted


def test_who_wants_all_wants_nothing_besides() -> None:
    assert EventFilter.parse(["member.*", "*"]).patterns == {ALL_EVENTS}


@pytest.mark.parametrize(
    "patterns",
    [
        [],
        [""],
        ["member"],
        ["*.added"],
        ["member.*.x"],
        ["Member.added"],
        ["member."],
        [".*"],
        ["**"],
        ["a." + "b" * 63],
    ],
)
def test_what_can_be_no_name_of_an_event_is_refused(patterns: list[str]) -> None:
    with pytest.raises(InvalidWebhook):
        EventFilter.parse(patterns)


def test_nobody_names_more_events_than_there_is_room_for() -> None:
    names = [f"event.number{number}" for number in range(MOST_PATTERNS + 1)]
    assert len(EventFilter.parse(names[:-1]).patterns) == MOST_PATTERNS
    with pytest.raises(InvalidWebhook):
        EventFilter.parse(names)


@pytest.mark.parametrize("description", ["x" * 201, "zero\u200bwidth"])
def test_a_description_is_short_and_can_be_seen(description: str) -> None:
    assert parse_description(" For the invoices ") == "For the invoices"
    with pytest.raises(InvalidWebhook):
        parse_description(description)


def test_a_secret_is_written_as_standard_webhooks_writes_it_and_never_shown() -> None:
    secret = WebhookSecret.make(bytes(range(32)))
    assert secret.text == "whsec_" + base64.b64encode(bytes(range(32))).decode()
    assert secret.key == bytes(range(32))
    assert secret.text not in repr(secret)


def test_no_secret_is_seen_in_a_webhook() -> None:
    assert "sealed before" not in repr(a_webhook())


def test_after_a_rotation_both_secrets_sign_for_a_while() -> None:
    rotated = an_active_webhook(previous_sealed_secret=None, previous_expires_at=None).rotate(
        "new", overlap=DAY, by=BY, at=NOON
    )
    assert rotated.sealed_secrets(NOON + DAY - MINUTE) == ("new", "sealed")
    assert rotated.sealed_secrets(NOON + DAY) == ("new",)
    assert [event.name for event in rotated.events] == ["webhook.secret_rotated"]


def test_a_webhook_that_is_made_says_whose_it_is() -> None:
    def made(owner_id: UUID) -> WebhookEndpoint:
        return WebhookEndpoint.make(
            owner_id=owner_id,
            id=WebhookId(UUID(int=1)),
            url="https://hooks.example.com/",
            description="",
            events_wanted=EventFilter.parse(["*"]),
            sealed_secret="sealed",
            by=BY,
            at=NOON,
        )

    (event,) = made(UUID(int=5)).events
    assert event.data() == {
        "webhook_id": str(UUID(int=1)),
        "organization_id": str(UUID(int=5)),
        "by": str(BY),
    }
    (event,) = made(INSTALLATION).events
    assert event.data()["organization_id"] is None


def test_a_change_to_what_it_is_already_is_none() -> None:
    webhook = an_active_webhook()
    same = webhook.change(
        url=webhook.url, description=webhook.description, events_wanted=webhook.events_wanted, by=BY, at=NOON
    )
    assert same is webhook
    assert webhook.enable(by=BY, at=NOON) is webhook
    assert a_webhook().disable(EndOfWebhook.GONE, by=None, at=NOON).events == ()


def test_who_switches_it_on_again_starts_anew() -> None:
    enabled = a_webhook().enable(by=BY, at=NOON)
    assert (enabled.is_active, enabled.failing_since, enabled.disabled_because) == (True, None, None)


def test_it_fails_since_the_first_failure_and_no_longer_after_a_success() -> None:
    webhook = an_active_webhook()
    assert webhook.succeeded() is webhook
    failing = webhook.failed(policy=POLICY, at=NOON)
    assert failing.failing_since == NOON
    assert failing.failed(policy=POLICY, at=NOON + HOUR) is failing
    assert failing.succeeded().failing_since is None


def test_it_is_off_when_nothing_succeeded_for_five_days() -> None:
    failing = an_active_webhook(failing_since=NOON)
    assert failing.failed(policy=POLICY, at=NOON + 5 * DAY - MINUTE).is_active
    off = failing.failed(policy=POLICY, at=NOON + 5 * DAY)
    assert (off.disabled_because, off.disabled_at) == (EndOfWebhook.FAILING, NOON + 5 * DAY)
    (event,) = off.events
    assert (event.name, event.data()["reason"], event.data()["by"]) == ("webhook.disabled", "failing", None)


def test_ten_retries_take_about_three_days() -> None:
    soonest = [POLICY.retry_in(tries, 0.0) for tries in range(1, 12)]
    latest = [POLICY.retry_in(tries, 1.0) for tries in range(1, 12)]
    assert soonest[-1] is latest[-1] is None
    assert soonest[0] == timedelta(seconds=5)
    waits = [wait for wait in soonest if wait]
    assert len(waits) == 10
    assert waits == sorted(waits)
    assert 2.5 * DAY < sum(waits, timedelta()) < sum((wait for wait in latest if wait), timedelta()) < 4 * DAY
