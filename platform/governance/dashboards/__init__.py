"""Dashboards of tiles that members arrange."""
