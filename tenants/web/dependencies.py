"""Handler parameters of every room."""

from litestar.di import NamedDependency

from tenants.access import Access

OpenAccess = NamedDependency[Access]
"""Handler parameter `access`, filled by the web edge after the check of `opt["permission"]`."""
