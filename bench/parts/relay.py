"""`portico relay`: from committed events to the receiver of a webhook, on one core."""

import sys
from uuid import UUID

from bench.bench import Bench
from bench.database import query
from bench.figures import Figure, Part
from bench.installation import Installation
from bench.machine import running
from bench.organizations import Population
from bench.receiver import receiving
from domain.kernel import OrganizationId

_EVENTS, _AGGREGATES = 3_000, 500
_PATIENCE = 60.0
_TENANTS = Population(organizations=10, members=10, memberships=10)


def measure(bench: Bench) -> Part:
    installation = bench.installation("relay", 1_000, bcrypt_cost=10)
    bench.found(installation, _TENANTS)
    with receiving() as receiver:
        allowed = {"WEBHOOK_ALLOWED_HOSTS": "127.0.0.1"}
        made = Installation(installation.url, bench.folder, installation.accounts, {**installation.more, **allowed})
        subscribe(made, f"http://127.0.0.1:{receiver.port}/")
        command = [sys.executable, "-m", "entrypoints.relay"]
        with running(command, made.environment, folder=bench.folder, log=bench.folder / "relay.log"):

            def delivered() -> float:
                query(made.url, _BURST, {"events": _EVENTS, "aggregates": _AGGREGATES})
                return receiver.rate(_EVENTS, patience=_PATIENCE)

            delivered()
            rounds = [delivered() for _ in bench.progress.track(range(bench.pairs), description="webhooks")]
    return Part(
        name="relay", figures=[Figure(name="webhooks delivered", rounds=rounds, target=("at least", 300), unit="/s")]
    )


def subscribe(installation: Installation, url: str) -> None:
    """The owner of the oldest organization hears of all that happens in it."""
    [(found,)] = query(installation.url, "SELECT id::text FROM organizations ORDER BY id LIMIT 1")
    organization = OrganizationId(UUID(found))
    [owner] = installation.sign_in(1, aal=2)
    with installation.container() as container:
        subject, _ = container.authenticate()(owner.access_token, organization_id=organization)
        container.make_webhook()(holder=subject.within(organization), url=url, description="", events=["*"])


_BURST = """
    INSERT INTO outbox (owner_id, id, aggregate_id, version, name, data, at)
    SELECT organization.id, uuidv7(), aggregates.ids[1 + n %% %(aggregates)s], n, 'role.changed', '{}', now()
    FROM generate_series(1, %(events)s) AS n,
         (SELECT id FROM organizations ORDER BY id LIMIT 1) AS organization,
         (SELECT array_agg(gen_random_uuid()) AS ids FROM generate_series(1, %(aggregates)s)) AS aggregates
"""
