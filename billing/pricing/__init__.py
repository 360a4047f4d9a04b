"""Price arithmetic of every kind: pure functions over exact numbers, without tables, clocks or requests.

Numbers are `Decimal`, `int` or `Fraction`; a float is refused, because it is not the number that was written. What is
divided stays a fraction until the one place that rounds.
"""
