"""Sign-in and security: a member's own second factor and sessions, and the proof that dangerous actions need."""
