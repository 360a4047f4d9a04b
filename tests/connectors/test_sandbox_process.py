"""The sandbox as a process: publication of its address, and its end on request."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import msgspec

from connectors.sandbox.plan import SystemPlan


def start(*arguments: str, announce: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "connectors.sandbox", "--announce-fd", str(announce), *arguments]
    return subprocess.Popen(command, pass_fds=[announce], stdout=subprocess.PIPE)


def announced(reading: int, writing: int) -> int:
    os.close(writing)
    with os.fdopen(reading) as pipe:
        return int(pipe.readline())


def test_it_announces_its_port_serves_the_default_systems_and_ends_on_sigterm() -> None:
    reading, writing = os.pipe()
    process = start(announce=writing)
    port = announced(reading, writing)
    assert httpx2.get(f"http://127.0.0.1:{port}/_systems", timeout=60).json() == {
        "erp": "sandbox-erp",
        "shop": "sandbox-shop",
        "market": "sandbox-market",
    }
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert said.startswith(b"token ")


def test_a_plan_and_a_unix_socket_are_accepted(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_bytes(msgspec.json.encode([SystemPlan(name="a", kind="sandbox-shop", token="t", currency="EUR")]))
    reading, writing = os.pipe()
    process = start("--plan", str(plan), "--uds", str(tmp_path / "s"), announce=writing)
    assert announced(reading, writing) == 0
    with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(tmp_path / "s")), timeout=60) as client:
        assert client.get("http://sandbox/_systems").json() == {"a": "sandbox-shop"}
        assert "10.00 EUR" in client.get("http://sandbox/a/").text
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_controls_refuse_unknown_fields(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = start(announce=writing)
    base = f"http://127.0.0.1:{announced(reading, writing)}"
    try:
        with httpx2.Client(base_url=base, timeout=60) as http:
            misspelt = http.put("/shop/_faults", json={"latencysecs": 1})
            assert (misspelt.status_code, "latencysecs" in misspelt.text) == (422, True)
            assert http.put("/_systems", json={"name": "../x", "kind": "sandbox-shop", "token": "t"}).is_error
            assert http.get("/nowhere/").status_code == 404
    finally:
        process.terminate()
        process.communicate(timeout=60)
