"""The order of events, the audit trail and webhooks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Every primary key starts with the column by which Citus would distribute the table; nothing else is unique.
moment = sa.CHAR(32).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

# Constants, which no user wrote: they stand in the SQL as they are, for a plan to show (S608).
PERMISSIONS = {
    "audit:read": "Read the audit trail",
    "events:read": "Follow the event feed",
    "webhooks:read": "See the webhooks and what was delivered",
    "webhooks:manage": "Make, change, test and delete webhooks",
}


def upgrade() -> None:
    op.add_column("outbox", sa.Column("schema_version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("outbox", sa.Column("position", sa.BigInteger(), nullable=True))
    op.create_index("ix_outbox_position", "outbox", ["position"])
    op.create_index("ix_outbox_owner_id_position", "outbox", ["owner_id", "position"])
    _partial_index("ix_outbox_unplaced", "outbox", ["aggregate_id", "version", "id"], "position IS NULL")

    sequences = op.create_table(
        "sequences",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=True),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("forgotten", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sequences"),
    )
    op.bulk_insert(sequences, [{"name": "events", "epoch": 0, "position": 0, "forgotten": 0}])

    op.create_table(
        "audit_entries",
        sa.Column("chain_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("code", sa.String(64), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("principal_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("details", json, nullable=False),
        sa.Column("personal_digest", sa.String(64), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("chain_id", "id", name="pk_audit_entries"),
    )
    for columns in (
        ["chain_id", "actor_id", "id"],
        ["chain_id", "action", "id"],
        ["chain_id", "target_id", "id"],
        ["id"],
        ["actor_id", "id"],
        ["action", "id"],
        ["target_id", "id"],
    ):
        op.create_index("_".join(("ix_audit_entries", *columns)), "audit_entries", columns)
    _partial_index("ix_audit_entries_unsealed", "audit_entries", ["chain_id", "id"], "position IS NULL")

    op.create_table(
        "audit_personal",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("user_agent", sa.String(256), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "entry_id", name="pk_audit_personal"),
    )
    op.create_table(
        "audit_seals",
        sa.Column("chain_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("mac", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "position", name="pk_audit_seals"),
    )
    op.create_table(
        "audit_chains",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(100), nullable=False),
        sa.Column("checkpoint", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint_mac", sa.String(100), nullable=False),
        sa.Column("checkpoint_proof", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_chains"),
    )

    op.create_table(
        "webhooks",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("events_wanted", json, nullable=False),
        sa.Column("sealed_secret", sa.String(255), nullable=False),
        sa.Column("previous_sealed_secret", sa.String(255), nullable=True),
        sa.Column("previous_expires_at", moment, nullable=True),
        sa.Column("disabled_because", sa.String(32), nullable=True),
        sa.Column("disabled_at", moment, nullable=True),
        sa.Column("failing_since", moment, nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "id", name="pk_webhooks"),
    )
    op.create_table(
        "deliveries",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("event_owner_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_name", sa.String(64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("tried_at", moment, nullable=True),
        sa.Column("settled_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("owner_id", "id", name="pk_deliveries"),
    )
    op.create_index("ix_deliveries_owner_id_endpoint_id_id", "deliveries", ["owner_id", "endpoint_id", "id"])
    in_lane = ["owner_id", "endpoint_id", "aggregate_id"]
    _partial_index("ix_deliveries_waiting", "deliveries", [*in_lane, "position", "id"], "settled_at IS NULL")
    _partial_index("ix_deliveries_settled_at", "deliveries", ["settled_at"], "settled_at IS NOT NULL")
    op.create_table(
        "lanes",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", moment, nullable=False),
        sa.PrimaryKeyConstraint(*in_lane, name="pk_lanes"),
    )
    op.create_index("ix_lanes_due_at_endpoint_id", "lanes", ["due_at", "endpoint_id"])

    for name, text in PERMISSIONS.items():
        row = f"('{name}', '{text}')"
        op.execute(f"INSERT INTO permissions (name, description) VALUES {row} ON CONFLICT DO NOTHING")  # noqa: S608
        op.execute(_granted(name))


def downgrade() -> None:
    for name in PERMISSIONS:
        op.execute(_taken(name))
        op.execute(f"DELETE FROM permissions WHERE name = '{name}'")  # noqa: S608
    for table in (
        "lanes",
        "deliveries",
        "webhooks",
        "audit_chains",
        "audit_seals",
        "audit_personal",
        "audit_entries",
        "sequences",
    ):
        op.drop_table(table)
    for index in ("ix_outbox_unplaced", "ix_outbox_owner_id_position", "ix_outbox_position"):
        op.drop_index(index, "outbox")
    op.drop_column("outbox", "position")
    op.drop_column("outbox", "schema_version")


def _partial_index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)


def _granted(name: str) -> str:
    """Owner and admin may do it, unless the installation's own catalogue said so already."""
    if op.get_context().dialect.name == "postgresql":
        change, has = f"permissions || '\"{name}\"'::jsonb", f"permissions @> '\"{name}\"'::jsonb"
    else:
        change = f"json_insert(permissions, '$[#]', '{name}')"
        has = f"EXISTS (SELECT 1 FROM json_each(permissions) WHERE value = '{name}')"  # noqa: S608
    return f"UPDATE built_in_roles SET permissions = {change} WHERE name IN ('owner', 'admin') AND NOT {has}"  # noqa: S608


def _taken(name: str) -> str:
    if op.get_context().dialect.name == "postgresql":
        left = f"permissions - '{name}'"
    else:
        left = f"(SELECT json_group_array(value) FROM json_each(permissions) WHERE value <> '{name}')"  # noqa: S608
    return f"UPDATE built_in_roles SET permissions = {left}"  # noqa: S608
