"""Playbooks of an MSP, the onboarding projects that clients have by them, and the assessment of a client."""
