"""MSP and client options of the command line: by id, or by short name where the owner's database URL is available."""

from typing import Any
from uuid import UUID

import click

from foundation.commands import across_msps
from foundation.errors import InvalidInput, NotFound
from foundation.reasons import clean_reason
from tenants.accounts import check_slug


class MspId(click.ParamType[UUID]):
    """Parameter type: an MSP's ID or short name."""

    name = "ID or short name"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> UUID:
        found = _as_id(value)
        if found is not None:
            return found
        check_slug(str(value))
        with across_msps("A short name instead of an ID") as connection:
            row = connection.execute("SELECT msp_id FROM msp WHERE slug = %s", (str(value),)).fetchone()
        if row is None:
            raise NotFound(f"There is no MSP with the short name “{value}”. `fairlead msp list` shows all.")
        return UUID(str(row[0]))


class ClientId(click.ParamType[UUID]):
    """Parameter type: a client's id, or its short name within the MSP given by --msp."""

    name = "ID or short name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        found = _as_id(value)
        if found is not None:
            return found
        check_slug(str(value))
        msp_id = ctx.params.get("msp_id") if ctx is not None else None
        if msp_id is None:
            self.fail("a client's short name needs --msp.", param, ctx)
        with across_msps("A short name instead of an ID") as connection:
            row = connection.execute(
                "SELECT tenant_id FROM client WHERE msp_id = %s AND slug = %s", (msp_id, str(value))
            ).fetchone()
        if row is None:
            raise NotFound(f"The MSP has no client with the short name “{value}”. `fairlead msp list` shows all.")
        return UUID(str(row[0]))


class Reason(click.ParamType[str]):
    """Parameter type: a short, non-blank reason, recorded in an audit chain."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return clean_reason(" ".join(str(value).split()))
        except InvalidInput as refusal:
            self.fail(refusal.detail, param, ctx)


REASON = Reason()


def _as_id(value: Any) -> UUID | None:
    try:
        return value if isinstance(value, UUID) else UUID(str(value).strip())
    except ValueError:
        return None


# Parsed first: a client's short name is unique only within its MSP.
MSP = click.option(
    "--msp",
    "msp_id",
    required=True,
    is_eager=True,
    type=MspId(),
    help="The MSP's ID or short name (`fairlead msp list`).",
)
CLIENT = click.option(
    "--client", "tenant_id", required=True, type=ClientId(), help="The client's ID or short name (`fairlead msp list`)."
)
CLIENT_OF_MSP = ClientId()
CLIENT_OR_MSP = click.option(
    "--client",
    "tenant_id",
    type=CLIENT_OF_MSP,
    help="The client's ID or short name; without it, the MSP's own account.",
)
