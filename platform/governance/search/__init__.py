"""Search for objects of all rooms from any page."""
