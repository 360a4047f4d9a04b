"""Collection of invoices by the payment provider: pushed there, and what is paid there applied here."""
