"""Shipments of web orders: each that is done is reported as dispatched. Tryton does not record when goods arrive."""

from collections.abc import Iterator
from typing import Final

from canonical.messages import MessageLine, ShipmentUpdated
from canonical.money import parse_decimal
from canonical.values import quantity
from connectors.tryton.messages import microseconds
from connectors.tryton.sales import Sale, SaleShipment, ShippedMove

_DONE: Final = "done"
_DISPATCHED: Final = "dispatched"


def shipments_of(sale: Sale) -> Iterator[ShipmentUpdated]:
    """Raises ValueError: a number that is none (InexactAmount), or content that no message has (InvalidMessage)."""
    lines = {f"sale.line,{line.id}": str(line.id) for line in sale.lines}
    for each in sale.shipments:
        if each.state == _DONE and each.number:
            yield _shipment(each, sale.reference, lines)


def _shipment(shipment: SaleShipment, order: str, lines: dict[str, str]) -> ShipmentUpdated:
    """The message of a shipment, which may contain goods of other sales, too: those lines name no order."""
    changed_at = max(each.aware() for each in (shipment.create_date, shipment.write_date) if each is not None)
    return ShipmentUpdated(
        number=shipment.number or "", version=microseconds(changed_at), changed_at=changed_at, status=_DISPATCHED,
        lines=tuple(_line(move, order, lines) for move in shipment.moves if move.state == _DONE),
    )  # fmt: skip


def _line(move: ShippedMove, order: str, lines: dict[str, str]) -> MessageLine:
    line = lines.get(move.origin or "", "")
    return MessageLine(
        line=str(move.id), sku=(move.product.code if move.product else None) or "",
        quantity=quantity(parse_decimal(bytes(move.quantity).decode())), order=order if line else "", order_line=line,
    )  # fmt: skip
