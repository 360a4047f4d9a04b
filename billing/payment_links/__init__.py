"""Links to short-lived pages of the payment provider: one for each click, never stored.

A page or the API issues a ticket, which opens once, within ten minutes, at a public address. That address calls the
provider outside any transaction, and redirects the browser to the provider's page.
"""
