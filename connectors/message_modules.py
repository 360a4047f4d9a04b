"""The modules that declare messages of connectors, for the catalogue of all messages."""

from typing import Final

from connectors import messages
from connectors.sandbox import reasons as sandbox
from connectors.tryton import reasons as tryton
from connectors.vendure import reasons as vendure

MESSAGE_MODULES: Final = (messages, sandbox, tryton, vendure)
