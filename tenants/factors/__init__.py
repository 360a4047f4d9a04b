"""Second factors as stored: codes of an authenticator app, recovery codes, and which roles need one."""
