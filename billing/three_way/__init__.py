"""The three-way check of a month: what vendors billed, what is in use, and what the clients were billed."""
