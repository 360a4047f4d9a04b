"""Accounts and members of the demonstration."""

import msgspec

PASSWORD = "a calm harbour at dawn"  # noqa: S105 - printed on the demo's own terminal


class DemoPerson(msgspec.Struct, frozen=True):
    email: str
    name: str
    role: str
    partner: bool = False


class DemoClient(msgspec.Struct, frozen=True):
    name: str
    slug: str
    currency: str
    partner: str
    people: tuple[DemoPerson, ...]


class DemoMsp(msgspec.Struct, frozen=True):
    name: str
    slug: str
    theme: dict[str, str]
    wholesale: str  # per verified value, in major units
    retail: str
    staff: tuple[DemoPerson, ...]
    clients: tuple[DemoClient, ...]


def demo_msps() -> tuple[DemoMsp, ...]:
    """Two MSPs with two brands; the first has two clients."""
    return (
        DemoMsp(
            name="Northbeam Commerce",
            slug="northbeam",
            theme={"monogram": "NB", "accent": "#1f5fbf", "neutral": "cool", "mark": "tile"},
            wholesale="0.0100",
            retail="0.0250",
            staff=(
                DemoPerson("nora@northbeam.example", "Nora Lind", "msp_admin"),
                DemoPerson("oda@northbeam.example", "Oda Vik", "msp_operator"),
            ),
            clients=(
                DemoClient(
                    "Birch & Sons",
                    "birch",
                    "USD",
                    "Fjord Resellers",
                    (
                        DemoPerson("bo@birch.example", "Bo Birch", "client_admin"),
                        DemoPerson("ana@birch.example", "Ana Reyes", "client_approver"),
                        DemoPerson("finn@fjord.example", "Finn Moe", "partner", partner=True),
                    ),
                ),
                DemoClient(
                    "Alder Tools",
                    "alder",
                    "USD",
                    "Kestrel Supply",
                    (
                        DemoPerson("al@alder.example", "Al Alder", "client_admin"),
                        DemoPerson("ivy@alder.example", "Ivy Chen", "client_approver"),
                    ),
                ),
            ),
        ),
        DemoMsp(
            name="Harborline Partners",
            slug="harborline",
            theme={"monogram": "HL", "accent": "#0f766e", "neutral": "warm", "mark": "circle"},
            wholesale="0.0120",
            retail="0.0300",
            staff=(
                DemoPerson("hugo@harborline.example", "Hugo Marsh", "msp_admin"),
                DemoPerson("otto@harborline.example", "Otto Penn", "msp_operator"),
            ),
            clients=(
                DemoClient(
                    "Cobalt Outdoors",
                    "cobalt",
                    "EUR",
                    "Trailhead Markets",
                    (
                        DemoPerson("cora@cobalt.example", "Cora Blu", "client_admin"),
                        DemoPerson("eli@cobalt.example", "Eli Stone", "client_approver"),
                    ),
                ),
            ),
        ),
    )
