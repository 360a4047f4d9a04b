"""ISO 4217 currencies and their minor units: the official table (List One) as of 2026-01-01.

Stored here rather than read from a package at start-up: the table is small, and a process must not depend on a parser
or the locale for it. `tests/canonical/test_money.py` compares it with the pinned `iso4217` package, which follows the
maintenance agency; to adopt a new edition, raise that pin and correct the codes that the test reports.
"""

from typing import Final

_BY_DIGITS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
        CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
        HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU
        MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
        SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
        VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

DIGITS: Final = {code: digits for digits, codes in _BY_DIGITS.items() for code in codes.split()}
"""Digits after the decimal point, by alphabetic code."""

FORMER: Final = {
    "ANG": 2, "BGN": 2, "BYR": 0, "CUC": 2, "CYP": 2, "EEK": 2, "HRK": 2, "LTL": 2, "LVL": 2, "MRO": 2, "MTL": 2,
    "SKK": 2, "SLL": 2, "STD": 2, "VEF": 2, "ZMK": 2, "ZWL": 2,
}  # fmt: skip
"""Digits of currencies that ISO 4217 has dropped (List Three). Stored amounts remain valid: price books, invoices, old
values. New amounts in them are refused. A code that a new edition drops moves here from the table above.
"""

WITHOUT_MINOR_UNIT: Final = frozenset(
    {"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"}
)
"""Precious metals, units of account and test codes: no price is expressed in their minor unit."""
