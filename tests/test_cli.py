from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import jsonschema_rs
import pytest
import yaml

from reporter import __version__
from reporter.cli import Instant, _broke, _say, cli, main
from reporter.core.errors import ReporterError
from reporter.run import Finished
from reporter.state.deliveries import Delivery, DeliveryState
from tests.aws_answers import all_on, identity, regions
from tests.clients.aws_server import AwsServer, server
from tests.clients.wp_sandbox import KEY, Tenant, tenant
from tests.test_schedule import GOOD

__all__ = ["server", "tenant"]

A = "111122223333"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    return code, captured.out, captured.err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "--help")
    assert code == 0
    for name in ("init", "check", "run", "demo", "judge", "schema", "sandbox"):
        assert f"  {name} " in out
    assert said(capsys, "--version")[:2] == (0, f"reporter, version {__version__}\n")


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = said(capsys, name, "-h")
    assert code == 0
    assert cli.commands[name].help in " ".join(out.split())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Usage:"),
        (("nonsense",), "No such command 'nonsense'"),
        (("run", "--nonsense"), "No such option"),
        (("run", "--fail-on", "PASS"), "--fail-on"),
        (("run", "--now", "yesterday"), "'yesterday' is no instant; write it like 2026-11-24T03:00:00Z"),
        (("run", "--now", "2026-11-24T03:00:00"), "is no instant"),
        (("judge",), "Missing argument 'RUN'"),
        (("judge", "none"), "'none' does not exist"),
        (("demo", "--size", "huge"), "--size"),
        (("demo", "--seed", "x"), "--seed"),
        (("run",), "there is no such schedule"),
        (("check", "--schedule", "none.yaml"), "there is no such schedule"),
        (("run", "--schedule", "bad.yaml"), "did you mean accounts?"),
        (("run", "--schedule", "good.yaml", "--job", "hourly"), "the schedule has no job 'hourly'"),
        (("run", "--schedule", "sealed.yaml"), "lock_cannot_be_undone: true"),
        (("plan", "."), "the run's plan cannot be read"),
        (("approve", ".", "--by", "a person"), "this is no finished run"),
        (("approve", "."), "Missing option '--by'"),
        (("apply", "."), "this is no finished run"),
        (("undo", "."), "this is no finished run"),
        (("run", "--schedule", "good.yaml", "--out", "good.yaml"), "is a file"),
        (("run", "--schedule", "good.yaml"), "WP_API_KEY is not set"),
        (("judge", "."), "this is no finished run"),
        (("init", "--schedule", "good.yaml", "--account", A), "there is a file of that name already"),
        (("init", "--schedule", "new.yaml", "--account", "1"), "12 digits in quotes"),
    ],
)
def test_a_wrong_call_or_schedule_exits_with_2_and_says_what_to_change(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.delenv("WP_API_KEY", raising=False)
    Path("good.yaml").write_text(GOOD)
    Path("bad.yaml").write_text(GOOD.replace("accounts:", "acounts:"))
    Path("sealed.yaml").write_text(GOOD + "evidence: {lock: compliance}")
    code, out, err = said(capsys, *arguments)
    assert code == 2
    assert message in err + out
    assert not list(Path().glob("out/run-*"))


def test_a_schedule_error_names_place_change_and_what_was_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    Path("good.yaml").write_text(GOOD)
    _, _, err = said(capsys, "run", "--schedule", "good.yaml", "--job", "hourly")
    assert err == (
        "reporter: the schedule has no job 'hourly'\n  where: good.yaml, jobs\n  change: one of: nightly\n"
        "  meanwhile: nothing was read, written or sent\n"
    )


def test_debug_shows_where_an_error_came_from() -> None:
    with pytest.raises(ReporterError, match="there is no such schedule"):
        main(["--debug", "run"])


def test_the_schema_is_one_that_accepts_a_good_schedule_and_refuses_a_bad_one(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "schema")
    assert code == 0
    schema = json.loads(out)
    assert out == json.dumps(schema, indent=2, sort_keys=True) + "\n"
    valid = jsonschema_rs.validator_for(schema)
    assert valid.is_valid(yaml.safe_load(GOOD))
    assert not valid.is_valid(yaml.safe_load(GOOD.replace("accounts:", "acounts:")))


def test_init_writes_a_schedule_and_says_what_comes_next(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "init", "--account", A, "--region", "eu-central-1")
    assert code == 0
    assert out.startswith("schedule.yaml is written. Next: export WP_API_KEY=")
    assert "eu-central-1" in Path("schedule.yaml").read_text()


def test_check_says_line_by_line_what_is_good(
    capsys: pytest.CaptureFixture[str], server: AwsServer, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WP_API_KEY", KEY)
    server.on("GetCallerIdentity", identity(A))
    server.on("DescribeRegions", regions("eu-central-1", "us-east-1"))
    all_on(server, A)
    text = GOOD.replace("https://workload.de-1.cloudone.trendmicro.com/api", tenant.url)
    Path("schedule.yaml").write_text(text.replace('key: "env:WP_API_KEY"', 'key: "env:WP_API_KEY", patience: 0'))
    code, out, _ = said(capsys, "check")
    assert (code, "FAIL" in out) == (0, False)
    tenant.fault("access_denied")
    code, out, _ = said(capsys, "check")
    assert code == 3
    assert "FAIL       Workload Protection main" in out
    assert "change: grant: view API keys" in out
    assert KEY not in out


def finished(*, incomplete: bool = False, fails: int = 0) -> Finished:
    scopes = {"ok": 3, "denied": int(incomplete)}
    return Finished(Path("out/run-000001"), {"PASS": 4, "FAIL": fails}, scopes, incomplete, ("state: not sent",))


@pytest.mark.parametrize(
    ("incomplete", "fails", "fail_on", "code"),
    [
        (False, 0, None, 0),
        (False, 2, None, 0),
        (False, 2, "FAIL", 5),
        (False, 0, "FAIL", 0),
        (True, 0, None, 3),
        (True, 2, "FAIL", 3),
    ],
)
def test_the_exit_code_of_a_finished_run(capsys: pytest.CaptureFixture[str], incomplete: bool, fails: int, fail_on: str | None, code: int) -> None:
    assert _say(finished(incomplete=incomplete, fails=fails), fail_on) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [f"results  PASS 4  FAIL {fails}", f"scopes   ok 3  denied {int(incomplete)}", "not done  state: not sent"]
    assert lines[-1] == "out/run-000001"
    assert any("could not be read" in line for line in lines) is incomplete


@pytest.mark.parametrize(("state", "code"), [(DeliveryState.SENT, 3), (DeliveryState.REFUSED, 1), (DeliveryState.NOT_SENT, 1)])
def test_a_pack_that_is_not_stored_exits_with_1_and_is_said(capsys: pytest.CaptureFixture[str], state: DeliveryState, code: int) -> None:
    pack = Delivery("main-000001", "run-000001.zip", "s3://packs/main/run-000001.zip", state, None, "no Object Lock", "pack")
    assert _say(replace(finished(incomplete=True), packs=(pack,), no_stamp="the seal has no time stamp: status 503"), None) == code
    captured = capsys.readouterr()
    where = captured.out if state is DeliveryState.SENT else captured.err
    assert f"pack     {state.value}  s3://packs/main/run-000001.zip\n         no Object Lock\n" in where
    assert ("A pack is not stored" in captured.err) is (code == 1)
    assert "warning  the seal has no time stamp: status 503" in captured.err
    assert captured.out.splitlines()[-1] == "out/run-000001"


def test_a_run_that_was_stopped_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    @cli.command("stop-for-a-test")
    def stop() -> None:
        raise click.Abort

    @cli.command("nothing-for-a-test")
    def nothing() -> None:
        return

    try:
        assert said(capsys, "stop-for-a-test") == (1, "", "stopped\n")
        assert said(capsys, "nothing-for-a-test") == (0, "", "")
    finally:
        del cli.commands["stop-for-a-test"], cli.commands["nothing-for-a-test"]


@pytest.mark.parametrize("arguments", [("demo",), ("sandbox", "serve")])
def test_without_the_sandbox_installed_it_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "reporter.sandbox.serve", None)
    code, _, err = said(capsys, *arguments)
    assert code == 1
    assert "pip install 'workload-compliance-reporter[sandbox]'" in err


def test_an_instant_that_is_one_already_stays_as_it_is() -> None:
    at = Instant().convert("2026-11-24T04:00:00+01:00", None, None)
    assert at.isoformat() == "2026-11-24T03:00:00+00:00"
    assert Instant().convert(at, None, None) is at


def test_a_defect_is_one_line_not_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    _broke(KeyError, KeyError("x"), None)
    assert capsys.readouterr().err.startswith("reporter: broke: KeyError: 'x'\n  change: this is a defect; run again with --debug")


def test_the_program_itself_exits_with_these_codes(tmp_path: Path) -> None:
    code = "import sys; from reporter import cli; sys.exit(cli.main())"
    wrong = subprocess.run([sys.executable, "-c", code, "run"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("reporter: there is no such schedule")
    broken = code.replace("sys.exit(cli.main())", "cli.cli.main = lambda **_: 1 / 0; sys.exit(cli.main())")
    broke = subprocess.run([sys.executable, "-c", broken], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (broke.returncode, "Traceback" in broke.stderr) == (1, False)
    assert broke.stderr.startswith("reporter: broke: ZeroDivisionError")
