"""A Stripe that runs in the tests: an ASGI application whose requests and answers follow the installed SDK's types.

`StripeFake` is the application. `description` reads the SDK's annotations. The modules of `resources` hold what has a
behaviour of its own; everything else is created, read, changed, deleted and listed alike.
"""

from tests.support.stripe_fake.app import StripeFake
from tests.support.stripe_fake.faults import Fault, Faults

__all__ = ["Fault", "Faults", "StripeFake"]
