"""Codes of identity providers."""

from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_


class SingleSignOnMode(LabelledCode):
    """Use of the account's identity provider: off, optional or required."""

    OFF = "off", N_("Off")
    OPTIONAL = "optional", N_("Offered beside the password")
    REQUIRED = "required", N_("Required of members with a verified domain")


OFFERED: Final = (SingleSignOnMode.OPTIONAL, SingleSignOnMode.REQUIRED)
