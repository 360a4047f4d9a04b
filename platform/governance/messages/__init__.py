"""Messages of this room: declared once, stored with parameters, written when shown."""
