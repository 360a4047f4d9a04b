"""`fairlead channel`: the products and values that buyers see on a client's channels."""

from typing import Final

import click

from canonical.values import write_plainly
from foundation.commands import NounGroup
from foundation.rooms import CliCommand
from governance.partner_channel.lists import CHANNEL_PRODUCTS, CHANNEL_VALUES
from governance.partner_channel.schemas import ChannelProduct, ChannelValueView
from tenants.list_command import list_command


@click.group(cls=NounGroup)
def channel() -> None:
    """Products and values that buyers see on a client's channels."""


def _product(one: ChannelProduct) -> str:
    price = write_plainly(one.price) if one.price else ""
    stock = f"stock {write_plainly(one.stock)}" if one.stock else ""
    return "  ".join(part for part in (one.channel, one.record_key, one.name, price, stock, one.state) if part)


def _value(one: ChannelValueView) -> str:
    parts = (one.channel, one.record_key, one.element, one.dimension, write_plainly(one.value))
    return "  ".join(part for part in parts if part)


channel.add_command(
    list_command(
        CHANNEL_PRODUCTS, _product, name="products", about="List the products on each channel as buyers see them."
    )
)
channel.add_command(
    list_command(CHANNEL_VALUES, _value, name="values", about="List the values last read on each channel.")
)
COMMANDS: Final = (CliCommand(command=channel),)
