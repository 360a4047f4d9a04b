"""Documents of finalised invoices: the e-invoice (EN 16931) and the PDF that contains it."""
