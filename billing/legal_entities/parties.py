"""Checks of the details of parties: addresses, VAT ids, IBANs, days and rates."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeVar

import msgspec
from stdnum import bic, get_cc_module, iban
from stdnum.exceptions import ValidationError

from billing.legal_entities.numbers import check_format
from billing.legal_entities.schemas import BillingDetailsInput, LegalEntityInput, TaxRateInput
from billing.legal_entities.tax import DOMESTIC, EU, TaxCategory, TaxSourceKind
from billing.sides import Side
from foundation.errors import InvalidInput
from foundation.i18n.catalogues import LANGUAGES
from foundation.marks import N_
from foundation.names import clean_name
from foundation.web.lists import check_exact
from tenants.emails import clean_email
from tenants.preferences.set_preferences import Preferences, check_preferences
from tenants.regions import REGION

P = TypeVar("P", LegalEntityInput, BillingDetailsInput)
_OTHERS: Final = {"GB": ("gb", "vat"), "CH": ("ch", "vat"), "NO": ("no", "mva")}
"""Countries outside the EU whose ids python-stdnum checks, with its modules."""
_TAX_CODE: Final = re.compile(r"txcd_\d{8}", re.ASCII)
_MOST_DAYS: Final = 365
_DECIMALS: Final = -3


def check_party(party: P) -> P:
    """The party with its texts in the form in which they are stored.

    Raises:
        InvalidInput: names the field.
    """
    texts = {name: _line(getattr(party, name), name) for name in ("street", "postcode", "city")}
    if isinstance(party, BillingDetailsInput):
        texts["po_number"] = _optional(party.po_number, "po_number")
    country = party.country.strip().upper()
    if not REGION.fullmatch(country) or len(country) != 2:
        raise InvalidInput(N_("Enter the country as two letters of ISO 3166, such as DE."), field="country")
    return msgspec.structs.replace(
        party,
        name=clean_name(party.name),
        **texts,
        country=country,
        vat_id=check_vat_id(party.vat_id, country),
        email=clean_email(party.email) if party.email.strip() else "",
    )


def check_entity(entity: LegalEntityInput, side: Side) -> LegalEntityInput:
    """Raises InvalidInput: names the field."""
    checked = check_party(entity)
    if checked.language not in LANGUAGES:
        raise InvalidInput(N_("Choose one of the languages of the product."), field="language")
    check_preferences(Preferences(time_zone=checked.time_zone or "-"))
    days = list(checked.dunning_days)
    if days != sorted(set(days)) or any(not 0 < day <= _MOST_DAYS for day in days):
        raise InvalidInput(
            N_("Enter the days of the reminders in ascending order, such as 7, 14, 28."), field="dunning_days"
        )
    operator = side is Side.WHOLESALE
    if checked.number_format == checked.credit_note_format:
        raise InvalidInput(N_("Credit notes need a number format of their own."), field="credit_note_format")
    if operator and checked.tax_source is not TaxSourceKind.OWN:
        raise InvalidInput(N_("Invoices to MSPs are taxed by own rates."), field="tax_source")
    if not _TAX_CODE.fullmatch(checked.tax_code):
        raise InvalidInput(N_("Enter a tax code of Stripe, such as txcd_10103001."), field="tax_code")
    return msgspec.structs.replace(
        checked,
        tax_number=_optional(checked.tax_number, "tax_number"),
        iban=_bank_code(iban, checked.iban, "iban"),
        bic=_bank_code(bic, checked.bic, "bic"),
        number_format=check_format(checked.number_format, field="number_format", per_account=operator),
        credit_note_format=check_format(checked.credit_note_format, field="credit_note_format", per_account=operator),
    )


def check_rate(rate: TaxRateInput) -> TaxRateInput:
    """Raises InvalidInput: names the field."""
    percent, field = rate.percent, "percent"
    exponent = percent.as_tuple().exponent if percent.is_finite() else None
    if not isinstance(exponent, int) or not 0 <= percent <= 100 or exponent < _DECIMALS:
        raise InvalidInput(N_("A tax rate is a number from 0 to 100, such as 19."), field=field)
    if rate.category not in DOMESTIC:
        raise InvalidInput(N_("Reverse charge and export follow from the buyer's country."), field="category")
    if (rate.category is TaxCategory.STANDARD) != (percent > 0):
        raise InvalidInput(N_("The standard rate is above zero, and the others are zero."), field=field)
    reason = rate.reason.strip().upper()
    if (rate.category is TaxCategory.EXEMPT) != bool(reason):
        raise InvalidInput(N_("An exemption, and only that, has a reason, such as VATEX-EU-132."), field="reason")
    if reason and not (reason.startswith("VATEX-") and reason.replace("-", "").isalnum() and reason.isascii()):
        raise InvalidInput(N_("Enter the reason as a code of the VATEX list, such as VATEX-EU-132."), field="reason")
    return msgspec.structs.replace(rate, reason=reason)


def check_vat_id(vat_id: str, country: str) -> str:
    """The id with its prefix and without separators; empty stays empty. Checked without network access, so the id need
    not exist.

    Raises:
        InvalidInput: it is not one of this country.
    """
    text = "".join(vat_id.split()).replace(".", "").replace("-", "").upper()
    if not text:
        return ""
    try:
        if country in EU:
            prefix = "EL" if country == "GR" else country
            number = _checked("eu", "vat", text if text[:2] == prefix else prefix + text)
            return number if number.startswith(prefix) else prefix + number
        if country in _OTHERS:
            number = _checked(*_OTHERS[country], text)
            return number if number.startswith(country) or country == "CH" else country + number
    except ValidationError:
        raise InvalidInput(
            N_("This is not a VAT id of {country}. Check its digits."), params={"country": country}, field="vat_id"
        ) from None
    return _line(text, "vat_id")


def _checked(country: str, module: str, text: str) -> str:
    """Raises ValidationError."""
    found = get_cc_module(country, module)
    if found is None:
        raise LookupError(f"python-stdnum has no {country}.{module}")
    return str(found.validate(text))


def parse_days(text: str) -> Sequence[int]:
    """The days of reminders, such as `7, 14, 28`; empty for none.

    Raises:
        InvalidInput: other than whole numbers.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > 6 or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts):
        raise InvalidInput(
            N_("Enter the days of the reminders in ascending order, such as 7, 14, 28."), field="dunning_days"
        )
    return tuple(map(int, parts))


def parse_percent(text: str) -> Decimal:
    """Raises InvalidInput for anything but a number."""
    number = text.strip().replace(",", ".")
    if len(number) > 8 or not number.replace(".", "", 1).isdigit() or not number.isascii():
        raise InvalidInput(N_("A tax rate is a number from 0 to 100, such as 19."), field="percent")
    return Decimal(number)


def _bank_code(module: object, text: str, field: str) -> str:
    code = "".join(text.split())
    try:
        return str(module.validate(code)) if code else ""  # type: ignore[attr-defined]
    except ValidationError:
        raise InvalidInput(N_("This is not a valid bank code. Check its digits."), field=field) from None


def _line(text: str, field: str) -> str:
    """The text, if it is one line that is not blank."""
    cleaned = _optional(text, field)
    if not cleaned:
        raise InvalidInput(N_("This is missing."), field=field)
    return cleaned


def _optional(text: str, field: str) -> str:
    return clean_name(text, field=field) if check_exact(text, field).strip() else ""
