"""The template that one client follows, on its pages."""
