"""The three-way check of a month: vendors' bills, usage, and clients' bills."""
