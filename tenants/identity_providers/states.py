"""Codes of identity providers."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_


class SingleSignOnMode(LabelledCode):
    """Who may sign in by the account's identity provider, and who has to."""

    OFF = "off", N_("Off")
    OPTIONAL = "optional", N_("Offered beside the password")
    REQUIRED = "required", N_("Required of members with a verified domain")


OFFERED: Final = (SingleSignOnMode.OPTIONAL, SingleSignOnMode.REQUIRED)
