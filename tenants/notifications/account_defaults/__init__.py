"""Pages and API of the notifications of members who have chosen none."""
