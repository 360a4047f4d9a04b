"""Example playbook of a new MSP: phases from ownership to automation. In the reader's language."""

from typing import Final

from foundation.i18n.localizer import translate
from foundation.marks import N_
from governance.playbooks.content import PlaybookContent, PlaybookTask
from governance.playbooks.facts import ProjectFact

_ASSESS, _CONNECT, _GOVERN = N_("Assess"), N_("Connect"), N_("Govern")
_PROVE, _GO_LIVE = N_("Prove"), N_("Go live")
_OWNERSHIP, _SYSTEMS, _PRICING = N_("Ownership"), N_("Systems"), N_("Pricing")
_STOCK, _ORDERS, _MEMBERS = N_("Inventory"), N_("Order status"), N_("People")
_OPERATIONS, _IT, _FINANCE = N_("Client operations"), N_("Client IT"), N_("Client finance")
_SUCCESS, _ENGINEER = N_("Success manager"), N_("Integration engineer")


def _task(phase: str, workstream: str, task: str, role: str, days: int, **more: object) -> PlaybookTask:
    fields = {"phase": phase, "workstream": workstream, "task": task, "role": role, "days": days, **more}
    return PlaybookTask(**fields)  # type: ignore[arg-type]


_TASKS: Final = (
    _task(_ASSESS, _OWNERSHIP, N_("Choose one objective and the first journey"), _SUCCESS, 2,
          fact=ProjectFact.OBJECTIVE),
    _task(_ASSESS, _OWNERSHIP, N_("Name the owner of each data domain"), _OPERATIONS, 3,
          evidence=N_("Data ownership model")),
    _task(_ASSESS, _SYSTEMS, N_("List the systems and what depends on them"), _IT, 3,
          evidence=N_("Integration inventory")),
    _task(_ASSESS, _OWNERSHIP, N_("Have all sponsors sign the objective"), _SUCCESS, 5,
          gate=N_("Commerce, operations, IT and channels have a sponsor each"), gate_fact=ProjectFact.SPONSORS,
          evidence=N_("Signed objective")),
    _task(_CONNECT, _SYSTEMS, N_("Connect the ERP and the first channel"), _ENGINEER, 8,
          fact=ProjectFact.CREDENTIALS),
    _task(_CONNECT, _SYSTEMS, N_("See a webhook of each source"), _ENGINEER, 9, fact=ProjectFact.WEBHOOKS),
    _task(_GOVERN, _PRICING, N_("Agree on the contracts of prices"), _FINANCE, 12),
    _task(_GOVERN, _STOCK, N_("Agree on the contracts of stock"), _OPERATIONS, 12),
    _task(_GOVERN, _ORDERS, N_("Agree on the contracts of order status"), _OPERATIONS, 13),
    _task(_GOVERN, _OWNERSHIP, N_("Have one named owner for each data domain in use"), _OPERATIONS, 13,
          fact=ProjectFact.DOMAINS),
    _task(_GOVERN, _PRICING, N_("Replay the policy over recorded changes"), _SUCCESS, 15,
          evidence=N_("Replay result")),
    _task(_GOVERN, _PRICING, N_("Publish the policy that finance accepts"), _FINANCE, 15, fact=ProjectFact.POLICY,
          gate=N_("No reported element is without an owner"), gate_fact=ProjectFact.CONTRACTS),
    _task(_PROVE, _SYSTEMS, N_("Accept the baseline"), _OPERATIONS, 17, fact=ProjectFact.BASELINE),
    _task(_PROVE, _SYSTEMS, N_("Read back the first value from a channel"), _ENGINEER, 18,
          fact=ProjectFact.READ_BACK),
    _task(_GO_LIVE, _MEMBERS, N_("Invite those who approve"), _SUCCESS, 19, fact=ProjectFact.APPROVER),
    _task(_GO_LIVE, _MEMBERS, N_("Complete the invoice details"), _FINANCE, 19, fact=ProjectFact.INVOICE_DETAILS),
    _task(_GO_LIVE, _MEMBERS, N_("Train approvers and name who stands in for them"), _SUCCESS, 20,
          evidence=N_("List of participants")),
    _task(_GO_LIVE, _MEMBERS, N_("Hand over to live operation"), _SUCCESS, 21,
          gate=N_("The client is live"), gate_fact=ProjectFact.LIVE, evidence=N_("Minutes")),
)  # fmt: skip


def example_playbook() -> PlaybookContent:
    return PlaybookContent([
        PlaybookTask(
            phase=translate(one.phase), gate=translate(one.gate) if one.gate else "",
            workstream=translate(one.workstream), task=translate(one.task), role=translate(one.role), days=one.days,
            evidence=translate(one.evidence) if one.evidence else "", fact=one.fact, gate_fact=one.gate_fact,
        )
        for one in _TASKS
    ])  # fmt: skip
