"""Names of lanes. A lane of one connection is called `<direction>/<connection id>`, which SQL relies on, too."""

from uuid import UUID


def connection_lane(direction: str, connection_id: UUID) -> str:
    return f"{direction}/{connection_id}"


def connection_of(lane: str) -> UUID:
    """The connection whose lane it is.

    Raises:
        ValueError: it is not a lane of one connection.
    """
    return UUID(lane.partition("/")[2])
