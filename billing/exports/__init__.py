"""Lines of issued invoices and credit notes for accounting systems."""
