"""Organizations, roles and keys."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Every primary key starts with the column by which Citus would distribute the table; nothing else is unique.
moment = sa.CHAR(32).with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
names = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

# Portico's own catalogue as it is in this version, so that there always is one.
PERMISSIONS = {
    "organization:read": "See the organization",
    "organization:update": "Change its name and slug",
    "organization:delete": "Delete it for good",
    "members:read": "See who is a member, and as what",
    "members:manage": "Change the roles of members, and remove them",
    "invitations:read": "See who has been invited",
    "invitations:manage": "Invite, and take invitations back",
    "roles:read": "See the roles and what they grant",
    "roles:manage": "Make, change and delete the organization's own roles",
    "service_accounts:read": "See the service accounts",
    "service_accounts:manage": "Make, change and delete service accounts",
    "api_keys:read": "See the keys of service accounts",
    "api_keys:manage": "Make, rotate and revoke keys of service accounts",
    "access:check": "Ask what others may do",
}
BUILT_IN_ROLES = {
    "owner": sorted(PERMISSIONS),
    "admin": sorted(PERMISSIONS.keys() - {"organization:delete"}),
    "member": ["members:read", "organization:read", "roles:read"],
}


def upgrade() -> None:
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("slug", sa.String(40), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("invitations_counted_since", moment, nullable=True),
        sa.Column("invitations_counted", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
    )
    is_deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index(
        "ix_organizations_deleted_at",
        "organizations",
        ["deleted_at"],
        postgresql_where=is_deleted,
        sqlite_where=is_deleted,
    )

    op.create_table(
        "slugs",
        sa.Column("value", sa.String(40), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("value", name="pk_slugs"),
    )

    # A membership stands twice, at its organization and at its account.
    op.create_table(
        "members",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_members_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("organization_id", "account_id", name="pk_members"),
    )
    op.create_index("ix_members_organization_id_role", "members", ["organization_id", "role"])

    op.create_table(
        "memberships",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_memberships_account_id_accounts"),
        sa.PrimaryKeyConstraint("account_id", "organization_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_account_id_role", "memberships", ["account_id", "role"])

    op.create_table(
        "roles",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("permissions", names, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_roles_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("organization_id", "name", name="pk_roles"),
    )

    op.create_table(
        "invitations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address_digest", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_invitations_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_invitations"),
    )

    op.create_table(
        "address_invitations",
        sa.Column("address_digest", sa.String(64), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("address_digest", "organization_id", name="pk_address_invitations"),
    )
    op.create_index("ix_address_invitations_expires_at", "address_invitations", ["expires_at"])

    op.create_table(
        "service_accounts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.String(100), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_service_accounts_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_service_accounts"),
    )
    op.create_index("ix_service_accounts_organization_id_role", "service_accounts", ["organization_id", "role"])

    op.create_table(
        "api_keys",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("service_account_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("display_name", sa.String(100), nullable=False),
        sa.Column("scopes", names, nullable=False),
        sa.Column("prefix", sa.String(32), nullable=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("previous_digest", sa.String(128), nullable=True),
        sa.Column("previous_expires_at", moment, nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=True),
        sa.Column("last_used_at", moment, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_owner_id_service_account_id_id", "api_keys", ["owner_id", "service_account_id", "id"])
    expires = sa.text("expires_at IS NOT NULL")
    op.create_index(
        "ix_api_keys_expires_at", "api_keys", ["expires_at"], postgresql_where=expires, sqlite_where=expires
    )

    permissions = op.create_table(
        "permissions",
        sa.Column("name", sa.String(81), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_permissions"),
    )
    op.bulk_insert(permissions, [{"name": name, "description": text} for name, text in PERMISSIONS.items()])

    built_in_roles = op.create_table(
        "built_in_roles",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("permissions", names, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_built_in_roles"),
    )
    op.bulk_insert(
        built_in_roles,
        [
            {"name": name, "permissions": op.inline_literal(json.dumps(may))}  # a plan cannot show a list
            for name, may in BUILT_IN_ROLES.items()
        ],
        multiinsert=False,
    )


def downgrade() -> None:
    for table in (
        "built_in_roles",
        "permissions",
        "api_keys",
        "service_accounts",
        "address_invitations",
        "invitations",
        "roles",
        "memberships",
        "members",
        "slugs",
        "organizations",
    ):
        op.drop_table(table)
