"""Tables of the rooms as SQLAlchemy metadata, each with its room, from the models that the rooms declare."""

from collections.abc import Mapping

from sqlalchemy import MetaData, Table

from controlplane.rooms import ROOMS
from foundation.database.base import Base
from foundation.rooms import Room, Rooms

metadata: MetaData = Base.metadata


def owned_tables(rooms: Rooms = ROOMS) -> Mapping[str, str]:
    return {table: room.name for room in rooms for table in _tables_of(room)}


def _tables_of(room: Room) -> set[str]:
    modules = (module for part in (room, *room.slices) for module in part.models)
    classes = (value for module in modules for value in vars(module).values())
    tables = (getattr(value, "__table__", None) for value in classes)
    return {table.name for table in tables if isinstance(table, Table)}
