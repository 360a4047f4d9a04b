"""The tenants room's base: MSPs, clients, partners, people, API keys."""

from alembic import op

from foundation.database.rls import open_to_intake, protect

revision = "202611290944"
down_revision = "202611290943"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE msp (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    name varchar NOT NULL,
    slug varchar NOT NULL,
    status varchar NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_msp PRIMARY KEY (tenant_id),
    CONSTRAINT ck_msp_house CHECK (tenant_id = msp_id)
);
CREATE UNIQUE INDEX uq_msp_slug ON msp (slug);

CREATE TABLE client (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    name varchar NOT NULL,
    slug varchar NOT NULL,
    status varchar NOT NULL DEFAULT 'active',
    currency varchar NOT NULL,
    created_at timestamptz NOT NULL,
    suspended_at timestamptz,
    CONSTRAINT pk_client PRIMARY KEY (tenant_id),
    CONSTRAINT ck_client_not_house CHECK (tenant_id <> msp_id)
);
CREATE UNIQUE INDEX uq_client_msp_id_slug ON client (msp_id, slug);

CREATE TABLE partner (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    partner_id uuid NOT NULL,
    name varchar NOT NULL,
    kind varchar NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_partner PRIMARY KEY (tenant_id, partner_id)
);

CREATE TABLE person (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    email varchar NOT NULL,
    name varchar NOT NULL,
    password_hash varchar,
    partner_id uuid,
    status varchar NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz,
    signed_out_after timestamptz,
    invite_hash bytea,
    invite_until timestamptz,
    invited_at timestamptz,
    invited_by varchar,
    accepted_at timestamptz,
    inviter_id uuid,
    vouched_by uuid,
    confirmed_at timestamptz,
    confirmed_by varchar,
    CONSTRAINT pk_person PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_person_tenant_id_email UNIQUE (tenant_id, email),
    CONSTRAINT fk_person_tenant_id_partner_id FOREIGN KEY (tenant_id, partner_id)
        REFERENCES partner (tenant_id, partner_id),
    CONSTRAINT ck_person_email_lower CHECK (email = lower(email))
);
CREATE INDEX ix_person_msp_id_email ON person (msp_id, email);

CREATE TABLE api_key (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    id uuid NOT NULL,
    name varchar NOT NULL,
    secret_hash bytea NOT NULL,
    role varchar NOT NULL,
    created_at timestamptz NOT NULL,
    created_by varchar NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz,
    maker_id uuid,  -- NULL: the operator made it
    manages_access boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_api_key PRIMARY KEY (tenant_id, id)
);
"""

# Queries across clients see members and keys, but no password hash or secret.
_FLEET_SEES_NO_SECRETS = """
REVOKE SELECT ON person FROM fairlead_fleet;
GRANT SELECT (tenant_id, msp_id, id, email, name, partner_id, status, created_at, last_seen_at)
    ON person TO fairlead_fleet;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "msp", app="SELECT, INSERT, UPDATE", fleet=True)
    protect(op, "client", app="SELECT, INSERT, UPDATE", partner="open", fleet=True)
    protect(op, "partner", app="SELECT, INSERT, UPDATE", partner="own", fleet=True)
    protect(op, "person", app="SELECT, INSERT, UPDATE", fleet=True)
    protect(op, "api_key", app="SELECT, INSERT, UPDATE")
    op.execute(_FLEET_SEES_NO_SECRETS)
    # Intake takes no webhooks of a suspended client.
    open_to_intake(op, "client", columns="tenant_id, status")


def downgrade() -> None:
    """Not offered: the base creates the tables, so a downgrade would delete every row."""
    raise NotImplementedError("A base cannot be taken back. Restore a backup instead.")
