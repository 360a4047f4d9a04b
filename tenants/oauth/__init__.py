"""OAuth 2: the client credentials grant, for programs."""
