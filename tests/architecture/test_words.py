"""Terminology: no class name has two meanings, and replaced names are not used any more."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.architecture.test_layout import PACKAGES, ROOT, modules

RETIRED = {
    r"['\"]given_up['\"]": "failed",
    r"contract\.second_writer": "channel.drift",
    r"propagation\.(late|given_up)\b['\"]": "propagation.slo_breached, propagation.failed",
    r"source\.reused_id": "source.id_conflict",
    r"exception\.overdue": "exception.escalated",
    r"\bnext_after\b": "next_cursor",
    r"\bchannel_round\b": "drift_cursor",
    r"\bsettled_(at|by)\b": "closed_at, closed_by",
    r"\b(JobKind|NewWork|WorkItem|LaneRun|add_work)\b": "JobType, NewJob, ClaimedJob, Batch, enqueue",
    r"\bfairlead_(work_batch_seconds|work_items|relay_rung|oldest_ready_work)": "fairlead_job_batch_seconds, …",
    r"--tenant\b|\b(create-msp|list-msps|publish-contracts|set-price|password-link|valkey-users)\b": "nouns and verbs",
    r"\bmaker_(id|home)\b|\bKeyWithoutMaker\b|key-maker-": "on_behalf_of_id, on_behalf_of_home, KeyCreatorInactive",
    r"\b(put_off|DoApart|do_apart|RingBell|ring_soon)\b": "defer, IsolatedRunner, run_isolated, WakeLanes, wake_soon",
    r"\b(Telling|tell_used|EventKind)\b": "UsageDescriber, describe_usage, EventType",
    r"\b(judge_standing|is_standing|Standing)\b": "check_connection_health, is_current, AccountStatus",
    r"\b(Knock|bring_in|lock_out|renew_link|givable_roles)\b": "InvitationLink, invite_member, suspend_member, …",
    r"\b(house_brand|DECIDE_ANEW|KeptConnection|keep_payloads|ask_later)\b": "default_brand, REDECIDE, …",
    r"fairlead_(work_items|oldest_ready_work_seconds|relay_rung)\b": "fairlead_jobs, …",
    r"connection\.hook_rotated|reference\.taken|brand\.host_pointed": "connection.webhook_secret_rotated, …",
    r"\bsettle_exception\b|\bresolve_corrected\b|\b(person_behind|one_person)\b": "close_exception, auto_resolve, …",
    r"async def (api|get|post|put|delete)_\w+\(\s*(request: AnyRequest, )?access\b": "list_, show_, create_ …",
    r"['\"]user:(read|invite)['\"]": "member:read, member:invite",
    r"\bperson_id\b|\b(add|invite|suspend|resume|identify)_person\b|_PEOPLE\b|\bPerson(View|List|Input)\b": "member",
    r"\b(FROM|UPDATE|INTO|JOIN) person\b|/people\b|tenants/(person|people)\.html|['\"]person:\{": "member",
    r"\bjudge\(|\b_judge\b|\bjudge[ds]_\w+|\bcost_holds\b": "evaluate, policy_subjects, …",
    r"\b(def|await) _look\b|\bLOOKED_\w+|\b\w+_LOOK_SECONDS\b": "read, find, poll",
    r"\b(say|say_json|says_something)\(|\btold\b *=|\.told\b": "print_text, has_visible_text, …",
    r"class (Kept|Walk)\b|\bkeep_unclaimed\b|\bask_(adapter|list)\b|\bgive_back\b": "Pins, ListProgress, …",
}
"""Former names, as patterns, and their replacements."""


def test_no_class_name_means_two_things() -> None:
    places = defaultdict(list)
    for path in modules():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert len(places) > 300
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_retired_names_are_gone() -> None:
    sources = [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", ".html", ".sql", ".csv", ".toml"} and not {"node_modules", "versions"} & {*path.parts}
    ]
    found = [(str(path.relative_to(ROOT)), new) for path in sources for new in _retired_in(path)]
    assert len(sources) > 500
    assert found == []


def test_tests_name_variables_by_their_content() -> None:
    used = re.compile(r"\b(?:told *(?:=|:=|\[)|as told\b|, told = |told: |\[told\])")
    tests = sorted((ROOT / "tests").rglob("*.py"))
    assert len(tests) > 500
    assert [str(path) for path in tests if path.name != Path(__file__).name and used.search(path.read_text())] == []


def _retired_in(path: Path) -> list[str]:
    text = path.read_text()
    return [new for old, new in RETIRED.items() if re.search(old, text)]
