"""Links to short-lived pages of the payment provider: one for each click, never stored.

A page or the API issues a ticket of ours, which opens once, within ten minutes, at a public address. There the provider
is asked outside any transaction, and the browser is sent to its page.
"""
