"""Port to a tax service, and the stored calculations of invoices."""
