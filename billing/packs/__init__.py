"""Packs of units that clients buy in advance: usage is drawn from them before it is priced."""
