"""Valkey users: one per component, each with only the keys and commands it needs.

Possible forgeries per key, and the protection besides the user's rights:

- `fl:{msp}:session:*` (web): sign in as anybody. Each record carries a MAC by a key that only web has.
- `fl:{msp}:sessions-of:*` (web): keep a session in the store. `member.signed_out_after` in PostgreSQL refuses it.
- `fl:{msp}:impersonations-of:*` (web): hide the banner of an impersonation. Entries carry a MAC by a key that only web
  has, and the audit trail records each.
- `fl:{msp}:sign-in:*` (web): reset failures, or delay a member's sign-in. Delays are bounded when they are read.
  Tickets below it (`tenants.auth.tickets`) carry a MAC by a key that only web has.
- `fl:{msp}:rate:*` (web): spend or refill a caller's requests to the API. A limit is no protection from attackers.
- `fl:{msp}:calls:*` (web, worker): count more or fewer calls of API keys than there were. They are billed only where an
  MSP has a price for them. Counts of other than numbers are dropped.
- `fl:lanes:*` (web as hints, worker, relay): wake or delay jobs. Leases, fences and scopes are in PostgreSQL, and the
  relay wakes lanes again; malformed members are dropped.
- `fl:out:*` (worker): delay a client's calls, or lift our own limit on them. Unreadable state falls back to the
  process's own limits.

Nothing else is stored in Valkey: policy, brands, idempotency, health and positions are in PostgreSQL.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

_CONNECT: Final = "+hello +auth +ping +select +quit +reset +client|setinfo +client|setname +client|id"
_SCRIPTS: Final = "+eval +evalsha +script|load"
_WAKE: Final = "~fl:lanes:* +hget +zrangebyscore +incr +spop +zadd +zscore +time"

RULES: Final[Mapping[str, str]] = {
    "web": (
        f"{_CONNECT} {_SCRIPTS} ~fl:*:session:* ~fl:*:sessions-of:* ~fl:*:impersonations-of:*"
        f" ~fl:*:sign-in:* ~fl:*:rate:* ~fl:*:calls:*"
        f" +get +mget +getdel +set +del"
        f" +expire +exists +multi +exec +zadd +zrem +zrange +zremrangebyscore +hget +hset +hdel +hvals +hincrby +time"
        f" ({_WAKE})"
    ),
    "worker": (
        f"{_CONNECT} {_SCRIPTS} {_WAKE} +sadd +hset +hdel +exists +zpopmin +bzpopmin +zremrangebyscore +pexpire"
        f" (~fl:out:* {_SCRIPTS} +hmget +hset +pexpire +time) (~fl:*:calls:* +hgetall +hdel +time)"
    ),
    "relay": f"{_CONNECT} {_SCRIPTS} {_WAKE} +multi +exec +del +hset",
}
"""By component: selectors in brackets are alternatives to the rules before them (Redis 7, Valkey 7.2)."""


def user_name(component: str) -> str:
    return f"fairlead_{component}"


def acl_line(component: str, password: str) -> str:
    """A line of Valkey's ACL file. It contains only the SHA-256 of the password, which is enough for a random one."""
    return f"user {user_name(component)} reset on #{hashlib.sha256(password.encode()).hexdigest()} {RULES[component]}"
