"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="onboarding_evidence"),
    DeclaredTable(
        name="onboarding_project", update="first_journey gates_passed objective objective_target sponsors", fleet=True
    ),
    DeclaredTable(
        name="onboarding_task",
        update="changed_at changed_by due_on owner reason state stuck_noted waived_at waived_by waiver",
        fleet=True,
        parameter="task_id",
        row={"state": "open"},
    ),
    DeclaredTable(name="playbook", update="changed_at changed_by revision tasks", fleet=True, parameter="playbook_id"),
)
