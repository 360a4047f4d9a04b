"""Parts of this room."""

from typing import Final

import branding.models
from branding.audit_actions import BrandAction, ClientBrandAction
from branding.client_brands import client_image_reader
from branding.directory import BrandDirectory
from branding.image_store import image_reader
from branding.pages import build_pages, client_file_page, provide_brand
from foundation.outbound.dns_txt import DnsLookup
from foundation.rooms import AppServices, Room, WebPart


def _web(services: AppServices) -> WebPart:
    return WebPart(dependencies={"brand": provide_brand(services.get(BrandDirectory))})


ROOM: Final = Room(
    name="branding",
    audit_actions=(BrandAction, ClientBrandAction),
    models=(branding.models,),
    services=lambda services: (
        BrandDirectory(services.db, services.clock),
        DnsLookup(services.settings.dns_servers),
    ),
    pages=lambda services: [
        *build_pages(services.clock, image_reader(services.db), services.get(BrandDirectory)),
        client_file_page(client_image_reader(services.db)),
    ],
    web=_web,
)
