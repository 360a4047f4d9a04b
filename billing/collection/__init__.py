"""Collection of invoices by the payment provider: pushes invoices, and records the payments made there."""
