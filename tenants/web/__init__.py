"""Routes and pages that all rooms build on."""
