"""Addresses of this slice that the canary does not visit."""

UNVISITED = {
    "/notifications/{notification_id:uuid}": "it redirects to the subject",
    "/clients/{client:str}/notifications/{notification_id:uuid}": "it redirects to the subject",
}
