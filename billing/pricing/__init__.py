"""Price arithmetic of every kind: pure functions over exact numbers, without tables, clocks or requests.

Numbers are `Decimal`, `int` or `Fraction`; a float is refused, because its value differs from the decimal that was
written. Quotients stay fractions until the one place that rounds.
"""
