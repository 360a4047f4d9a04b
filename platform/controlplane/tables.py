"""Tables of every room, and their SQLAlchemy metadata for migrations and their check."""

from collections.abc import Mapping

from sqlalchemy import MetaData, Table

from controlplane.rooms import ROOMS
from foundation.database.base import Base
from foundation.rooms import Room, Rooms

metadata: MetaData = Base.metadata


def owned_tables(rooms: Rooms = ROOMS) -> Mapping[str, str]:
    """The room of each table, by the table's name."""
    return {table: room.name for room in rooms for table in tables_of(room)}


def tables_of(room: Room) -> set[str]:
    """Names of the tables that the room's models declare."""
    modules = {model.__name__ for part in (room, *room.slices) for model in part.models}
    mapped = (mapper for mapper in Base.registry.mappers if mapper.class_.__module__ in modules)
    return {mapper.local_table.name for mapper in mapped if isinstance(mapper.local_table, Table)}
