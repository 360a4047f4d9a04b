"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="brand", update="name tokens updated_at"),
    DeclaredTable(name="brand_domain", update="brand_id", delete=True),
    DeclaredTable(name="brand_domain_claim", update="brand_id checked_at result", delete=True),
    DeclaredTable(name="client_brand", update="changed_at tokens", fleet=True),
    DeclaredTable(
        name="client_brand_image",
        update="changed_at content contrast_dark contrast_light hash height width",
        delete=True,
        row={"kind": "icon"},
    ),
    DeclaredTable(
        name="brand_image",
        update="changed_at content contrast_dark contrast_light hash height width",
        delete=True,
        row={"kind": "icon"},
    ),
)
