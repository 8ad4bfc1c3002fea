"""Audit entries, generated inside PostgreSQL: half of them of the oldest organization, half of everybody's own."""

from bench.database import query


def note_down(url: str, entries: int) -> None:
    """Accounts and organizations are there already. Indexes are made afterwards, which takes a tenth of the time."""
    indexes = query(
        url,
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_entries' AND indexname NOT LIKE 'pk_%'",
    )
    for name, _ in indexes:
        query(url, f'DROP INDEX "{name}"')
    for statement in _ENTRIES:
        query(url, statement, {"entries": entries})
    for _, definition in indexes:
        query(url, definition)
    query(url, "VACUUM (ANALYZE)")
    query(url, "CHECKPOINT")


# One every three seconds: the last of them now. Everybody who acts has two pages of them, so that a page is as long
# among few. All are sealed, or the sequencer would begin with them.
_ENTRIES = (
    """
    INSERT INTO audit_entries (chain_id, id, at, action, outcome, actor_id, principal_id, target_id, organization_id,
                               request_id, details, personal_digest, position)
    WITH people AS MATERIALIZED (SELECT array_agg(id ORDER BY id) AS ids FROM accounts),
         house AS MATERIALIZED (SELECT id FROM organizations ORDER BY id LIMIT 1),
         drawn AS (
             SELECT n, (n - %(entries)s) * interval '3 seconds' AS before, n %% 2 = 0 AS is_ours,
                    ids[1 + (n::bigint * 7919) %% least(array_length(ids, 1), %(entries)s / 100)] AS actor
             FROM generate_series(1, %(entries)s) AS n, people
         )
    SELECT CASE WHEN is_ours THEN house.id ELSE actor END, uuidv7(before), now() + before,
           (ARRAY['session.started', 'session.ended', 'account.renamed', 'member.added', 'member.removed',
                  'api_key.created', 'api_key.ended', 'role.created', 'invitation.created'])[1 + (n / 2) %% 9],
           'succeeded', actor, actor, actor, CASE WHEN is_ours THEN house.id END,
           'request', '{}', repeat('0', 64), n
    FROM drawn, house
    """,
    """
    INSERT INTO audit_personal (account_id, entry_id, salt, network, user_agent)
    SELECT actor_id, id, '\\x00', '127.0.0.1/32', 'bench' FROM audit_entries
    """,
)
