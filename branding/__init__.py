"""Themes by host name, the page shell and the design system."""
