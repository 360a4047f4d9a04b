"""Retention: how long each class of data is kept, what is held, what will go and what went."""
