"""Second factors, passkeys, codes by mail and trusted devices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Every primary key starts with the column by which Citus would distribute the table; nothing else is unique.
moment = sa.CHAR(32).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
texts = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    # The defaults stay: workers of the version before, which know nothing of the columns, may still be adding rows.
    op.add_column("accounts", sa.Column("has_second_factor", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(
        "organizations",
        sa.Column("requires_second_factor", sa.Boolean(), nullable=False, server_default=sa.false()),
    )

    op.create_table(
        "second_factors",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("totp_sealed", sa.Text(), nullable=True),
        sa.Column("totp_enrolled_at", moment, nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=True),
        sa.Column("pending_sealed", sa.Text(), nullable=True),
        sa.Column("pending_expires_at", moment, nullable=True),
        sa.Column("recovery_hashes", texts, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locks", sa.Integer(), nullable=False),
        sa.Column("locked_until", moment, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_second_factors_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", name="pk_second_factors"),
    )

    op.create_table(
        "passkeys",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.String(100), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", texts, nullable=False),
        sa.Column("is_backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_used_at", moment, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_passkeys_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_passkeys"),
    )

    # A credential is unique over all accounts: it is claimed by its digest.
    op.create_table(
        "passkey_credentials",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("passkey_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_passkey_credentials"),
    )

    op.create_table(
        "challenges",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("random", sa.LargeBinary(), nullable=False),
        sa.Column("amr", sa.String(100), nullable=False),
        sa.Column("credentials_epoch", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "id", name="pk_challenges"),
    )
    op.create_index("ix_challenges_expires_at", "challenges", ["expires_at"])

    op.create_table(
        "email_codes",
        sa.Column("address_digest", sa.String(64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("address_digest", "id", name="pk_email_codes"),
    )
    op.create_index("ix_email_codes_expires_at", "email_codes", ["expires_at"])

    op.create_table(
        "trusted_devices",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_agent", sa.String(256), nullable=False),
        sa.Column("network", sa.String(64), nullable=False),
        sa.Column("credentials_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_trusted_devices_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_trusted_devices"),
    )
    op.create_index("ix_trusted_devices_expires_at", "trusted_devices", ["expires_at"])


def downgrade() -> None:
    for table in (
        "trusted_devices",
        "email_codes",
        "challenges",
        "passkey_credentials",
        "passkeys",
        "second_factors",
    ):
        op.drop_table(table)
    op.drop_column("organizations", "requires_second_factor")
    op.drop_column("accounts", "has_second_factor")
