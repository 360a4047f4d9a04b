"""Single sign-on: an account's identity provider, its domains, and the identities of its members there."""

from alembic import op

from foundation.database.rls import protect
from foundation.database.roles import FLEET

revision = "202611300136"
down_revision = "202611300135"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE identity_provider (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    name varchar NOT NULL,
    issuer varchar NOT NULL,
    client_id varchar NOT NULL,
    client_secret bytea,
    mode varchar NOT NULL DEFAULT 'off',
    creates_members boolean NOT NULL,
    default_role varchar NOT NULL,
    groups_claim varchar NOT NULL,
    group_roles jsonb NOT NULL,
    checks_factors boolean NOT NULL,
    set_at timestamptz NOT NULL,
    set_by varchar NOT NULL,
    tested_at timestamptz,
    CONSTRAINT pk_identity_provider PRIMARY KEY (tenant_id),
    CONSTRAINT ck_identity_provider_mode CHECK (mode IN ('off', 'optional', 'required'))
);

CREATE TABLE sign_in_domain (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    domain varchar NOT NULL,
    token varchar NOT NULL,
    created_at timestamptz NOT NULL,
    checked_at timestamptz,
    result varchar NOT NULL,
    verified_at timestamptz,
    CONSTRAINT pk_sign_in_domain PRIMARY KEY (tenant_id, domain)
);
CREATE UNIQUE INDEX uq_sign_in_domain_verified ON sign_in_domain (msp_id, domain) WHERE verified_at IS NOT NULL;

CREATE TABLE external_identity (
    tenant_id uuid NOT NULL, msp_id uuid NOT NULL,
    issuer varchar NOT NULL,
    subject varchar NOT NULL,
    member_id uuid NOT NULL,
    linked_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    CONSTRAINT pk_external_identity PRIMARY KEY (tenant_id, issuer, subject),
    CONSTRAINT uq_external_identity_tenant_id_member_id UNIQUE (tenant_id, member_id)
);
"""
_FLEET_SEES_NO_SECRET = f"""
REVOKE SELECT ON identity_provider, sign_in_domain FROM {FLEET};
GRANT SELECT (tenant_id, msp_id, name, mode) ON identity_provider TO {FLEET};
GRANT SELECT (tenant_id, msp_id, domain, verified_at) ON sign_in_domain TO {FLEET};
"""
_SETTINGS = (
    "name, issuer, client_id, client_secret, mode, creates_members, default_role, groups_claim, group_roles,"
    " checks_factors, set_at, set_by, tested_at"
)


def upgrade() -> None:
    op.execute(_TABLES)
    protect(op, "identity_provider", app=f"SELECT, INSERT, UPDATE ({_SETTINGS}), DELETE", fleet=True)
    protect(
        op, "sign_in_domain", app="SELECT, INSERT, UPDATE (token, checked_at, result, verified_at), DELETE", fleet=True
    )
    op.execute(_FLEET_SEES_NO_SECRET)
    protect(op, "external_identity", app="SELECT, INSERT, UPDATE (used_at), DELETE")


def downgrade() -> None:
    """Not offered, as for every revision: restore a backup instead."""
    raise NotImplementedError("The schema cannot go back. Restore a backup instead.")
