"""Tryton, an ERP."""
