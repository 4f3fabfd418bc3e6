from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
import requests

from reporter.sandbox.wp.server import WpSandbox


def test_a_server_that_is_not_started_has_no_url() -> None:
    with pytest.raises(RuntimeError):
        _ = WpSandbox().url


def test_a_stopped_server_takes_no_calls_even_on_open_connections() -> None:
    sandbox = WpSandbox().start()
    address = sandbox.address
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(f"{address}/sandbox/calls", timeout=20).status_code == 200
        sandbox.stop()
        sandbox.stop()
        with pytest.raises(requests.exceptions.ConnectionError):
            session.get(f"{address}/sandbox/calls", timeout=20)


def test_a_taken_port_is_an_error() -> None:
    with WpSandbox() as sandbox, pytest.raises(OSError):
        WpSandbox().start(int(sandbox.address.rsplit(":", 1)[1]))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_says_where_it_is_and_stops_cleanly(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-m", "reporter.sandbox.wp", "--port", "0"], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        url = json.loads(program.stdout.readline())["url"]
        assert url.endswith("/api")
        with requests.Session() as session:
            session.trust_env = False
            assert session.get(url.removesuffix("/api") + "/sandbox/calls", timeout=20).json() == []
        program.send_signal(number)
        assert program.wait(20) == 0
