"""Content of a playbook, and its form as CSV. Pure."""

import csv
import io
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.text import is_storable
from foundation.web.requests import RequestBody
from governance.playbooks.facts import ProjectFact

COLUMNS: Final = ("phase", "gate", "workstream", "task", "role", "days", "evidence")
FACT_COLUMNS: Final = (*COLUMNS, "fact", "gate_fact")
"""Files without the last two columns are accepted, too."""
MOST_TASKS: Final = 200
MOST_DAYS: Final = 1000
_LONGEST: Final = 200
Line = Annotated[str, msgspec.Meta(max_length=_LONGEST)]


class PlaybookTask(RequestBody, frozen=True, kw_only=True):
    """A task. `gate`: the condition for the next phase, given with the phase's last task. `role`: the usual owner.
    `days`: the due day, counted from the project's first day. `evidence`: the proof that is needed; empty for none.
    `fact` decides whether the task is done, instead of a person and evidence; `gate_fact` decides about the gate.
    """

    phase: Line
    gate: Line = ""
    workstream: Line = ""
    task: Line
    role: Line = ""
    days: Annotated[int, msgspec.Meta(ge=0, le=MOST_DAYS)]
    evidence: Line = ""
    fact: ProjectFact | None = None
    gate_fact: ProjectFact | None = None


class PlaybookContent(RequestBody, frozen=True):
    """Tasks in their order. Tasks of one phase are adjacent."""

    tasks: Annotated[Sequence[PlaybookTask], msgspec.Meta(max_length=MOST_TASKS)]

    @property
    def phases(self) -> list[str]:
        return list(dict.fromkeys(one.phase for one in self.tasks))


def parse_playbook(text: str) -> PlaybookContent:
    """The playbook of a CSV file whose first line names the columns.

    Raises:
        InvalidInput: the text is no such file, or a row is malformed.
    """
    text = text.removeprefix("\ufeff")
    if not is_storable(text):
        raise InvalidInput(N_("The file contains characters that cannot be stored, such as NUL."), field="csv")
    try:
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if any(cell.strip() for cell in row)]
    except csv.Error as wrong:
        raise InvalidInput(N_("The file is not CSV: {error}."), params={"error": str(wrong)}, field="csv") from wrong
    if not rows or [cell.strip().lower() for cell in rows[0]] not in ([*COLUMNS], [*FACT_COLUMNS]):
        raise InvalidInput(
            N_("The first line names the columns: {columns}."), params={"columns": ",".join(FACT_COLUMNS)}, field="csv"
        )
    fields = len(rows[0])
    return check_playbook(PlaybookContent([_task(number, row, fields) for number, row in enumerate(rows[1:], start=2)]))


def _task(number: int, row: Sequence[str], fields: int) -> PlaybookTask:
    """Raises InvalidInput."""
    cells = [cell.strip() for cell in row]
    if len(cells) != fields or not cells[5].isdigit() or not cells[5].isascii() or len(cells[5]) > 4:
        raise InvalidInput(
            N_("Line {line}: a task has {number} fields, and “days” is a whole number."),
            params={"line": str(number), "number": fields},
            field="csv",
        )
    phase, gate, workstream, task, role, days, evidence, *facts = cells
    fact, gate_fact = (_fact(number, code) for code in facts or ("", ""))
    return PlaybookTask(
        phase=phase, gate=gate, workstream=workstream, task=task, role=role, days=int(days), evidence=evidence,
        fact=fact, gate_fact=gate_fact,
    )  # fmt: skip


def _fact(number: int, code: str) -> ProjectFact | None:
    """Raises InvalidInput."""
    if not code:
        return None
    if code not in set(ProjectFact):
        raise InvalidInput(
            N_("Line {line}: there is no fact “{fact}”. There are: {known}."),
            params={"line": str(number), "fact": code[:60], "known": ", ".join(ProjectFact)},
            field="csv",
        )
    return ProjectFact.of(code)


def check_playbook(content: PlaybookContent) -> PlaybookContent:
    """Raises: InvalidInput: no task or too many, one without a phase or a name, or a phase in two places."""
    if not 1 <= len(content.tasks) <= MOST_TASKS:
        raise InvalidInput(N_("A playbook has 1 to {most} tasks."), params={"most": MOST_TASKS}, field="csv")
    if not is_storable(msgspec.json.encode(content).decode()):
        raise InvalidInput(N_("The file contains characters that cannot be stored, such as NUL."), field="csv")
    phase, ended = "", set[str]()
    for one in content.tasks:
        texts = (one.phase, one.gate, one.workstream, one.task, one.role, one.evidence)
        if not one.phase.strip() or not one.task.strip() or one.days > MOST_DAYS or max(map(len, texts)) > _LONGEST:
            raise InvalidInput(
                N_("“{task}” needs a phase and a name of at most {most} characters, and at most {days} days."),
                params={"task": one.task[:60], "most": _LONGEST, "days": MOST_DAYS},
                field="csv",
            )
        if (one.fact is not None and one.evidence) or (one.gate_fact is not None and not one.gate):
            raise InvalidInput(
                N_("“{task}”: a task that follows a fact needs no evidence, and a gate that follows one needs a name."),
                params={"task": one.task[:60]},
                field="csv",
            )
        if one.phase != phase:
            if one.phase in ended:
                raise InvalidInput(
                    N_("The tasks of the phase “{phase}” are not consecutive rows. Put them together."),
                    params={"phase": one.phase[:60]},
                    field="csv",
                )
            ended.add(one.phase)
            phase = one.phase
    return content


def write_playbook(content: PlaybookContent) -> str:
    """The CSV that `parse_playbook` reads."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(FACT_COLUMNS)
    for one in content.tasks:
        own = (one.phase, one.gate, one.workstream, one.task, one.role, one.days, one.evidence)
        writer.writerow((*own, one.fact or "", one.gate_fact or ""))
    return buffer.getvalue()
