"""Permissions of this slice."""

from foundation.marks import N_
from foundation.permissions import Permission


class PlaybookPermission(Permission, heading=N_("Onboarding projects")):
    READ_PROJECTS = "project:read", N_("Read playbooks, projects and assessments")
    WRITE_PROJECTS = "project:write", N_("Start projects and work on their tasks")
    WAIVE_FACTS = "project:waive", N_("Waive facts that tasks follow")
    WRITE_PLAYBOOKS = "playbook:write", N_("Save playbooks")
