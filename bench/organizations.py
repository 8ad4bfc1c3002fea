"""Organizations, generated inside PostgreSQL like the accounts: each with an owner, and some with very much. As many
people are in the middle of signing in."""

from dataclasses import dataclass

from bench.database import query


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    organizations: int
    members: int
    """Of the oldest organization."""
    memberships: int
    """Of the oldest account, which owns the oldest organizations."""

    def __str__(self) -> str:
        return f"{self.organizations:,} organizations"


def found(url: str, population: Population, *, accounts: int) -> None:
    """`accounts` are there already."""
    parameters = {
        "accounts": accounts,
        "organizations": population.organizations,
        "members": population.members,
        "memberships": population.memberships,
    }
    for statement in _FOUNDATION:
        query(url, statement, parameters)
    query(url, "VACUUM (ANALYZE)")
    query(url, "CHECKPOINT")


# Organizations came one a minute. Each has a role of its own, a service account with a key, and an invitation that
# waits. Nothing is over while it is measured.
_FOUNDATION = (
    """
    INSERT INTO organizations (id, name, slug, created_at, invitations_counted, version)
    SELECT uuidv7(before), 'Organization ' || n, 'organization-' || n, now() + before, 0, 1
    FROM (SELECT n, (n - %(organizations)s - 1) * interval '1 minute' AS before
          FROM generate_series(1, %(organizations)s) AS n)
    """,
    "INSERT INTO slugs (value, organization_id) SELECT slug, id FROM organizations",
    """
    INSERT INTO members (organization_id, account_id, id, role, created_at, version)
    WITH people AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM accounts),
         houses AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM organizations),
         places (house, person, role) AS (
             SELECT houses.id, people.id, 'owner'
             FROM houses JOIN people ON people.n = 1 + houses.n %% %(accounts)s
             UNION ALL
             SELECT houses.id, people.id, 'owner'
             FROM houses, people WHERE houses.n <= %(memberships)s AND people.n = 1
             UNION ALL
             SELECT houses.id, people.id, 'member'
             FROM houses, people WHERE houses.n = 1 AND people.n <= %(members)s
         )
    SELECT DISTINCT ON (house, person) house, person, uuidv7(), role, now(), 1
    FROM places ORDER BY house, person, role DESC
    """,
    """
    INSERT INTO memberships (account_id, organization_id, id, role, created_at, version)
    SELECT account_id, organization_id, id, role, created_at, version FROM members
    """,
    """
    INSERT INTO roles (organization_id, name, id, description, permissions, created_at, version)
    SELECT id, 'reader', uuidv7(), 'Looks around', '["members:read", "organization:read"]', created_at, 1
    FROM organizations
    """,
    """
    INSERT INTO service_accounts (organization_id, id, display_name, role, created_by, created_at, version)
    SELECT id, uuidv7(), 'Backend', 'admin', id, created_at, 1 FROM organizations
    """,
    """
    INSERT INTO api_keys (owner_id, id, kind, service_account_id, organization_id, display_name, scopes, prefix,
                          digest, created_at, version)
    SELECT organization_id, uuidv7(), 'service', id, organization_id, 'Key', '["members:read"]', 'ptc_s_bench',
           '', created_at, 1
    FROM service_accounts
    """,
    """
    INSERT INTO invitations (organization_id, id, address_digest, email, role, invited_by, created_at, expires_at)
    SELECT id, uuidv7(), encode(sha256(slug::bytea), 'hex'), slug || '@example.net', 'member', id, now(),
           now() + (1 + 47 * random()) * interval '1 hour'
    FROM organizations
    """,
    """
    INSERT INTO address_invitations (address_digest, organization_id, invitation_id, expires_at)
    SELECT address_digest, organization_id, id, expires_at FROM invitations
    """,
    # What signing in leaves behind is swept with the rest: an empty table would be read from end to end.
    """
    INSERT INTO challenges (owner_id, id, kind, account_id, random, amr, credentials_epoch, tries, expires_at)
    SELECT id, uuidv7(), 'second_factor', id, '', 'pwd', 0, 0, now() + (1 + random()) * interval '1 hour'
    FROM accounts LIMIT %(organizations)s
    """,
    """
    INSERT INTO email_codes (address_digest, id, email, created_at, expires_at, tries)
    SELECT address_digest, uuidv7(), email, now(), now() + (1 + random()) * interval '1 hour', 0 FROM invitations
    """,
    """
    INSERT INTO trusted_devices (account_id, id, user_agent, network, credentials_epoch, created_at, expires_at)
    SELECT id, uuidv7(), 'bench', '127.0.0.1/32', 0, now(), now() + (1 + 29 * random()) * interval '1 day'
    FROM accounts LIMIT %(organizations)s
    """,
)
