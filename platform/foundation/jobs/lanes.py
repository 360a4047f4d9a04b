"""Names of lanes. A lane of one connection is called `<direction>/<connection id>`, which SQL relies on, too."""

from uuid import UUID


def connection_lane(direction: str, connection_id: UUID) -> str:
    return f"{direction}/{connection_id}"


def connection_of(lane: str) -> UUID:
    """Id of the connection of a lane.

    Raises:
        ValueError: the lane is not of one connection.
    """
    return UUID(lane.partition("/")[2])
