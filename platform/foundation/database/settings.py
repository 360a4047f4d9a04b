"""The session settings that the product's SQL and its reading of results rely on.

Whoever runs the server may set others for a database or a role (`ALTER DATABASE … SET timezone`), for their own
reports. These are sent with the connection's start, where they rank above those and are what RESET and DISCARD return
to.
"""

from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

_SETTINGS: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO,YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "search_path": "public,pg_temp",
    "default_transaction_isolation": "read\\ committed",
    "row_security": "on",
    "transform_null_equals": "off",
}
"""`pg_temp` is named last, or a temporary table would be found before the one of the same name it hides."""


def with_settings(conninfo: str) -> str:
    """`conninfo` with these settings behind its own options."""
    given = str(conninfo_to_dict(conninfo).get("options") or "")
    own = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    return make_conninfo(conninfo, options=f"{given} {own}".strip(), client_encoding="UTF8")
