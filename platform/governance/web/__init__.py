"""Rendering of governance's pages: shared context, errors, URLs."""
