"""Electronic data interchange."""
