"""Outgoing mail: queued as rows, sent by a job under the MSP's brand, by the MSP's server or the installation's."""
