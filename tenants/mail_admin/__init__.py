"""Administration of outgoing mail: the list of mails, the MSP's mail server, tests and repeated sending."""
