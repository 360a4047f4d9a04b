"""Description of this service: configuration, types of resources and schemas (RFC 7643 §5 to §7)."""

from typing import Any, Final

from tenants.scim.answers import GROUP_SCHEMA, USER_SCHEMA

MOST_RESULTS: Final = 200
_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0"
CONFIG_SCHEMA: Final = f"{_CORE}:ServiceProviderConfig"
TYPE_SCHEMA: Final = f"{_CORE}:ResourceType"
SCHEMA_SCHEMA: Final = f"{_CORE}:Schema"


def service_config(base: str) -> dict[str, Any]:
    """Configuration: no versions (ETags), sorting, bulk requests or passwords."""
    scheme = {
        "type": "oauthbearertoken",
        "name": "SCIM token",
        "description": "The token of the account, in the header Authorization.",
        "specUri": "https://www.rfc-editor.org/info/rfc6750",
        "primary": True,
    }
    off = {"supported": False}
    return {
        "schemas": [CONFIG_SCHEMA],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MOST_RESULTS},
        "changePassword": off,
        "sort": off,
        "etag": off,
        "authenticationSchemes": [scheme],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(base: str) -> list[dict[str, Any]]:
    described = (("User", "Members of the account", USER_SCHEMA), ("Group", "Roles of the account", GROUP_SCHEMA))
    return [
        {
            "schemas": [TYPE_SCHEMA],
            "id": name,
            "name": name,
            "description": text,
            "endpoint": f"/{name}s",
            "schema": schema,
            "schemaExtensions": [],
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
        }
        for name, text, schema in described
    ]


def schemas(base: str) -> list[dict[str, Any]]:
    return [
        {
            "schemas": [SCHEMA_SCHEMA],
            "id": schema,
            "name": name,
            "description": text,
            "attributes": attributes,
            "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema}"},
        }
        for schema, name, text, attributes in (
            (USER_SCHEMA, "User", "Member of the account", _user()),
            (GROUP_SCHEMA, "Group", "Role of the account", _group()),
        )
    ]


def _user() -> list[dict[str, Any]]:
    parts = [
        _attribute("formatted", "Full name"),
        _attribute("givenName", "Given name"),
        _attribute("familyName", "Family name"),
    ]
    address = [
        _attribute("value", "E-mail address", mutability="readOnly"),
        _attribute("type", "Label", mutability="readOnly"),
        _attribute("primary", "Whether it is the first", kind="boolean", mutability="readOnly"),
    ]
    return [
        _attribute(
            "userName",
            "E-mail address, of a verified domain",
            required=True,
            mutability="immutable",
            uniqueness="server",
        ),
        _attribute("displayName", "Name, shown here as it was at the creation"),
        _attribute("name", "Parts of the name", kind="complex", parts=parts),
        _attribute("active", "False: suspended", kind="boolean", required=True),
        _attribute("emails", "The userName", kind="complex", many=True, mutability="readOnly", parts=address),
    ]


def _group() -> list[dict[str, Any]]:
    member = [
        _attribute("value", "Id of the user", mutability="immutable"),
        _attribute("$ref", "Address of the user", kind="reference", mutability="immutable", refers=["User"]),
        _attribute("display", "E-mail address", mutability="readOnly"),
        _attribute("type", "Always User", mutability="immutable", values=["User"]),
    ]
    return [
        _attribute("displayName", "Name of the role", mutability="readOnly", uniqueness="server"),
        _attribute("members", "Members with the role", kind="complex", many=True, parts=member),
    ]


def _attribute(  # noqa: PLR0913 - keyword-only
    name: str, about: str, *, kind: str = "string", many: bool = False, required: bool = False,
    mutability: str = "readWrite", uniqueness: str = "none", parts: list[dict[str, Any]] | None = None,
    refers: list[str] | None = None, values: list[str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    described = {
        "name": name, "type": kind, "multiValued": many, "description": about, "required": required,
        "mutability": mutability, "returned": "default",
    }  # fmt: skip
    if kind in {"string", "reference"}:
        described |= {"caseExact": kind == "reference", "uniqueness": uniqueness}
    more = {"subAttributes": parts, "referenceTypes": refers, "canonicalValues": values}
    return described | {key: value for key, value in more.items() if value is not None}
