"""Handler parameters that this room provides."""

from litestar.di import NamedDependency

from foundation.entitlements.features import Features
from foundation.usage.meters import Meters

ProductMeters = NamedDependency[Meters]
"""Handler parameter `product_meters`: the product's own meters."""
KnownMeters = NamedDependency[Meters]
"""Handler parameter `meters`: the product's meters, and those that the MSP declares."""
KnownFeatures = NamedDependency[Features]
"""Handler parameter `features`: the features that plans can include."""
