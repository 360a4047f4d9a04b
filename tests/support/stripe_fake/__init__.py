"""A Stripe that runs in the tests: an ASGI application whose requests and answers follow the installed SDK's types.

`StripeFake` is the application. `description` reads the SDK's annotations. The modules of `resources` implement
resources with special behaviour; all others share one implementation of create, retrieve, update, delete and list.
"""

from tests.support.stripe_fake.app import StripeFake
from tests.support.stripe_fake.faults import Fault, Faults

__all__ = ["Fault", "Faults", "StripeFake"]
