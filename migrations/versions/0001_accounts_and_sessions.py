"""Accounts and sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Every primary key starts with the column by which Citus would distribute the table; nothing else is unique.
moment = sa.CHAR(32).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
bytewise_address = sa.String(254).with_variant(sa.String(254, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", bytewise_address, nullable=False),
        sa.Column("email_verified_at", moment, nullable=True),
        sa.Column("display_name", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("credentials_epoch", sa.Integer(), nullable=False),
        sa.Column("is_operator", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_since", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
    )
    op.create_index("ix_accounts_email", "accounts", ["email"])
    op.create_index("ix_accounts_state_email", "accounts", ["state", "email"])
    op.create_index("ix_accounts_state_id", "accounts", ["state", "id"])

    op.create_table(
        "identifiers",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.String(254), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value", name="pk_identifiers"),
    )

    op.create_table(
        "operators",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_operators"),
    )

    op.create_table(
        "sessions",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("authenticated_at", moment, nullable=False),
        sa.Column("amr", sa.String(100), nullable=False),
        sa.Column("aal", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("rotated_at", moment, nullable=False),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("user_agent", sa.String(256), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("last_seen_at", moment, nullable=False),
        sa.Column("idle_expires_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("idle_expiry_hour", moment, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_idle_expiry_hour", "sessions", ["idle_expiry_hour"])

    op.create_table(
        "claims",
        sa.Column("address_digest", sa.String(64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("display_name", sa.String(100), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("address_digest", "id", name="pk_claims"),
    )
    op.create_index("ix_claims_expires_at", "claims", ["expires_at"])

    op.create_table(
        "password_resets",
        sa.Column("address_digest", sa.String(64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("address_digest", "id", name="pk_password_resets"),
    )
    op.create_index("ix_password_resets_expires_at", "password_resets", ["expires_at"])

    op.create_table(
        "email_changes",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("new_email", sa.String(254), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_email_changes_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", name="pk_email_changes"),
    )
    op.create_index("ix_email_changes_expires_at", "email_changes", ["expires_at"])

    op.create_table(
        "attempts",
        sa.Column("address_digest", sa.String(64), nullable=False),
        sa.Column("bucket", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("blocked_until", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("address_digest", "bucket", name="pk_attempts"),
    )
    op.create_index("ix_attempts_expires_at", "attempts", ["expires_at"])

    op.create_table(
        "mail",
        sa.Column("address_digest", sa.String(64), nullable=False),
        sa.Column("slot", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("address", sa.String(254), nullable=True),
        sa.Column("ids", json, nullable=False),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("scheduled_at", moment, nullable=False),
        sa.Column("hour_started_at", moment, nullable=False),
        sa.Column("sent_this_hour", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("address_digest", "slot", name="pk_mail"),
    )
    waits, has_gone = sa.text("due_at IS NOT NULL"), sa.text("due_at IS NULL")
    op.create_index("ix_mail_due_at", "mail", ["due_at"], postgresql_where=waits, sqlite_where=waits)
    op.create_index("ix_mail_scheduled_at", "mail", ["scheduled_at"], postgresql_where=has_gone, sqlite_where=has_gone)

    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_since", moment, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("public_pem", sa.Text(), nullable=False),
        sa.Column("sealed_private", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_keys"),
    )

    op.create_table(
        "outbox",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("data", json, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "id", name="pk_outbox"),
    )


def downgrade() -> None:
    for table in (
        "outbox",
        "signing_keys",
        "mail",
        "attempts",
        "email_changes",
        "password_resets",
        "claims",
        "sessions",
        "operators",
        "identifiers",
        "accounts",
    ):
        op.drop_table(table)
