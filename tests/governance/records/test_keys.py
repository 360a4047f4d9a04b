"""Sets of keys as binds."""

from sqlalchemy import text

from canonical.keys import ElementKey
from foundation.database.engine import Database
from foundation.ids import new_id
from foundation.scope import Scope
from governance.records.keys import KEY_SET, KEYS_OF_CONNECTIONS, key_binds, key_columns, key_of


async def test_keys_have_the_order_of_their_binds_with_the_values_bound_beside(db: Database, scope: Scope) -> None:
    keys = [ElementKey(f'SKU "{n}"', "product.price", "currency=EUR" if n % 2 else "") for n in (3, 1, 2)]
    connections = [new_id() for _ in keys]
    async with db.transaction(scope) as session:
        rows = await session.execute(text(f"SELECT {key_columns('k')} FROM {KEY_SET}"), key_binds(keys))
        assert [key_of(row) for row in rows] == keys
        rows = await session.execute(
            text(f"SELECT {key_columns('k')}, k.connection_id FROM {KEYS_OF_CONNECTIONS}"),
            {**key_binds(keys), "connections": connections},
        )
        assert [(key_of(row), row.connection_id) for row in rows] == list(zip(keys, connections, strict=True))
