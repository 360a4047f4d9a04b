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
    modules = (module for part in (room, *room.slices) for module in part.models)
    classes = (value for module in modules for value in vars(module).values())
    tables = (getattr(value, "__table__", None) for value in classes)
    return {table.name for table in tables if isinstance(table, Table)}
