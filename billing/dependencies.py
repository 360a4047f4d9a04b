"""Handler parameters of this room."""

from litestar.di import NamedDependency, Provide

from foundation.usage.meters import Meters

KnownMeters = NamedDependency[Meters]
"""Handler parameter `meters`, filled by `provide_meters`."""


def provide_meters(meters: Meters) -> Provide:
    """Provider of the application's dependency `meters`."""
    return Provide(lambda: meters, sync_to_thread=False)
