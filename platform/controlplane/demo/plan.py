"""Accounts and members of the demonstration."""

import msgspec

PASSWORD = "a calm harbour at dawn"  # noqa: S105 - printed on the demo's own terminal


class DemoMember(msgspec.Struct, frozen=True):
    email: str
    name: str
    role: str
    partner: bool = False


class DemoClient(msgspec.Struct, frozen=True):
    name: str
    slug: str
    currency: str
    partner: str
    members: tuple[DemoMember, ...]


class DemoMsp(msgspec.Struct, frozen=True):
    name: str
    slug: str
    theme: dict[str, str]
    wholesale: str  # per verified value, in major units
    retail: str
    staff: tuple[DemoMember, ...]
    clients: tuple[DemoClient, ...]
    has_last_month: bool = False
    """Whether the first client has usage and an invoice of last month."""


def demo_msps() -> tuple[DemoMsp, ...]:
    """Two MSPs with two brands; the first has two clients."""
    return (
        DemoMsp(
            name="Northbeam Commerce",
            slug="northbeam",
            theme={"monogram": "NB", "accent": "#1f5fbf", "neutral": "cool", "mark": "tile"},
            wholesale="0.0100",
            retail="0.0250",
            has_last_month=True,
            staff=(
                DemoMember("nora@northbeam.example", "Nora Lind", "msp_admin"),
                DemoMember("oda@northbeam.example", "Oda Vik", "msp_operator"),
            ),
            clients=(
                DemoClient(
                    "Birch & Sons",
                    "birch",
                    "USD",
                    "Fjord Resellers",
                    (
                        DemoMember("bo@birch.example", "Bo Birch", "client_admin"),
                        DemoMember("ana@birch.example", "Ana Reyes", "client_approver"),
                        DemoMember("finn@fjord.example", "Finn Moe", "partner", partner=True),
                    ),
                ),
                DemoClient(
                    "Alder Tools",
                    "alder",
                    "USD",
                    "Kestrel Supply",
                    (
                        DemoMember("al@alder.example", "Al Alder", "client_admin"),
                        DemoMember("ivy@alder.example", "Ivy Chen", "client_approver"),
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
                DemoMember("hugo@harborline.example", "Hugo Marsh", "msp_admin"),
                DemoMember("otto@harborline.example", "Otto Penn", "msp_operator"),
            ),
            clients=(
                DemoClient(
                    "Cobalt Outdoors",
                    "cobalt",
                    "EUR",
                    "Trailhead Markets",
                    (
                        DemoMember("cora@cobalt.example", "Cora Blu", "client_admin"),
                        DemoMember("eli@cobalt.example", "Eli Stone", "client_approver"),
                    ),
                ),
            ),
        ),
    )
