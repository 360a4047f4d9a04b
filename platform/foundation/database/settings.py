"""Session settings that the product's SQL and its parsing of results rely on.

Administrators may set others for a database or a role (`ALTER DATABASE … SET timezone`), for their own reports. These
are sent in the connection's startup message, where they take precedence and are the values that RESET and DISCARD
restore.
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
"""`pg_temp` is last, or a temporary table would shadow the permanent one of the same name."""


def with_settings(conninfo: str) -> str:
    """`conninfo` with these settings appended to its own options."""
    given = str(conninfo_to_dict(conninfo).get("options") or "")
    own = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    return make_conninfo(conninfo, options=f"{given} {own}".strip(), client_encoding="UTF8")
