"""The command line. Errors are for people; a traceback only with --debug. Progress goes to stderr, and only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from reporter import __version__
from reporter.core import clock
from reporter.core.errors import ReporterError, ScheduleError, Stopped
from reporter.core.text import legible
from reporter.core.wording import counted

if TYPE_CHECKING:
    from reporter.elsewhere import Workers
    from reporter.json_log import JsonLog
    from reporter.run import Finished, Watch
    from reporter.state.deliveries import Delivery

COMPLETE, BROKE, WRONG, INCOMPLETE, FAILED_ACTION, FAILED_CHECKS, STOPPED = 0, 1, 2, 3, 4, 5, 6

FILE = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, file_okay=False)
SCHEDULE = click.option("--schedule", "schedule_file", type=FILE, default=Path("schedule.yaml"), show_default=True, help="The schedule.")
OUT = click.option("--out", type=FOLDER, default=Path("out"), show_default=True, help="Folder that runs are kept in.")
STORED = click.argument("stored", metavar="RUN", type=click.Path(path_type=Path, exists=True, file_okay=False))
PACK = click.Path(path_type=Path, exists=True)
KEYS = click.option(
    "--key", "keys", type=FILE, multiple=True, metavar="PATH", help="Public key that you hold (PEM), or a folder of them; repeatable."
)
FINGERPRINTS = click.option("--fingerprint", "fingerprints", multiple=True, metavar="SHA256", help="SHA-256 of a key's PEM; repeatable.")
FAIL_ON = click.option("--fail-on", type=click.Choice(["FAIL"]), help="Exit with 5 when a check has this status.")


class Instant(click.ParamType[datetime]):
    """An instant: ISO 8601 with Z or an offset."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return value if isinstance(value, datetime) else clock.parse(value)
        except ValueError:
            self.fail(f"{value!r} is no instant; write it like 2026-11-24T03:00:00Z", param, ctx)


NOW = click.option("--now", type=Instant(), help="The clock of the run, for repeatable runs; default: the present.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="reporter")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.option(
    "--log",
    type=click.Choice(["text", "json"]),
    envvar="REPORTER_LOG",
    help="What is told on stderr: for people, or one JSON object a line, with metrics for CloudWatch. Default: json in a function and on Fargate.",
)
@click.pass_context
def cli(context: click.Context, debug: bool, log: str | None) -> None:
    """Tells, every night, how well EC2 and ECS workloads are protected by Server & Workload Protection, and what could not be seen."""
    del debug  # read by main(), which also has to act where this function is never reached
    from reporter.json_log import JsonLog, wanted

    if (log or wanted()) == "json":
        context.ensure_object(Told).log = JsonLog(sys.stderr)


@dataclass
class Told:
    """How this call tells what it does: a log for machines, or for people where there is none."""

    log: JsonLog | None = None


@cli.command("run")
@SCHEDULE
@OUT
@FAIL_ON
@NOW
@click.option("--job", help="Name of the job in the schedule.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[RUN]",
    help="Go on with a run that was cut (default: the one below --out): what it has read is not read again. It keeps its number and its clock.",
)
@click.option("--cluster", "address", metavar="ADDRESS", help="Have accounts read by a dask.distributed cluster, its scheduler at tls://HOST:PORT.")
@click.option("--processes", type=click.IntRange(1, 64), help="Have accounts read by so many processes of this machine.")
def run_command(
    schedule_file: Path,
    out: Path,
    fail_on: str | None,
    now: datetime | None,
    job: str | None,
    resume: str | None,
    address: str | None,
    processes: int | None,
) -> int:
    """Gather, join, judge and report: one sealed run folder below --out, its path on the last line."""
    from reporter.run import run
    from reporter.schedule import load
    from reporter.stopping import on_signal

    schedule = load(schedule_file)
    if job is not None and job not in schedule.jobs:
        raise ScheduleError(
            f"the schedule has no job {job!r}",
            where=f"{schedule_file}, jobs",
            fix=f"one of: {', '.join(sorted(schedule.jobs))}",
            meanwhile="nothing was read, written or sent",
        )
    if address and processes:
        raise click.UsageError("--cluster and --processes: one of them")
    with on_signal() as stop, _progress() as watch, _workers(address, processes) as workers:
        finished = run(schedule, out, now or clock.now(), job=job, watch=stop.watched(watch), resume=resume, workers=workers)
    return _say(finished, fail_on)


@cli.command("judge")
@STORED
@click.option("--schedule", "schedule_file", type=click.Path(path_type=Path), help="Judge by this schedule; default: the run's own.")
@FAIL_ON
def judge_command(stored: Path, schedule_file: Path | None, fail_on: str | None) -> int:
    """Join and judge a stored run again, without the world and at its own clock. Writes a new run beside it."""
    from reporter.run import judge_again
    from reporter.schedule import load

    with _progress() as watch:
        finished = judge_again(stored, load(schedule_file) if schedule_file else None, watch=watch)
    return _say(finished, fail_on)


@cli.command("plan")
@STORED
def plan_command(stored: Path) -> int:
    """Show what a run proposes to change, and the hash to approve. Changes nothing."""
    from reporter.approving import told
    from reporter.history.stored import read_plan
    from reporter.propose import changes_of

    plan = read_plan(stored)
    for line in told(plan, changes_of(plan, str(stored / "plan.json"))):
        click.echo(legible(line))
    return COMPLETE


@cli.command("approve")
@STORED
@click.option("--by", required=True, metavar="WHO", help="Name of the person who approves.")
@NOW
def approve_command(stored: Path, by: str, now: datetime | None) -> int:
    """Approve a run's plan: binds a name and the caller's own identity to its hash, for as long as the plan is fresh."""
    from reporter.approving import approve_plan

    approval, changes = approve_plan(stored, by, now or clock.now())
    own = " (self-approved: it is the job's own identity)" if approval.self_approved else ""
    click.echo(f"{counted(len(changes), 'change', 'changes')} of {approval.run} approved by {legible(approval.by)}, as {approval.identity}{own}")
    click.echo(f"hash {approval.plan}, until {approval.expires}. Next: reporter apply {stored}")
    return COMPLETE


@cli.command("apply")
@STORED
@NOW
def apply_command(stored: Path, now: datetime | None) -> int:
    """Make the changes of a run's approved plan, and see whether they work. Writes a new run beside it."""
    from reporter.run import apply_plan

    with _progress() as watch:
        finished = apply_plan(stored, now or clock.now(), watch=watch)
    return _say(finished, None)


@cli.command("undo")
@STORED
@NOW
def undo_command(stored: Path, now: datetime | None) -> int:
    """Take back exactly what a run changed; what others changed since stays. Writes a new run beside it."""
    from reporter.run import undo_run

    with _progress() as watch:
        finished = undo_run(stored, now or clock.now(), watch=watch)
    return _say(finished, None)


@cli.command("diff")
@click.argument("earlier", metavar="A", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("later", metavar="B", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "as_lines", is_flag=True, help="Print one JSON object.")
def diff_command(earlier: Path, later: Path, as_lines: bool) -> int:
    """Show what the results of run B differ in from those of run A, and whether the world did it or the rules."""
    from reporter.comparing import as_json, difference, told
    from reporter.history.stored import read_run
    from reporter.judge import discover

    comparison, name = difference(earlier, later, discover()), read_run(later).run_id
    if as_lines:
        click.echo(json.dumps(as_json(comparison, name), indent=2, sort_keys=True))
        return COMPLETE
    for line in told(comparison, name):
        click.echo(legible(line))
    return COMPLETE


@cli.command("demo")
@OUT
@NOW
@click.option("--size", type=click.Choice(["small", "demo"]), default="demo", show_default=True, help="Size of the estate.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another estate.")
def demo_command(out: Path, now: datetime | None, size: str, seed: int) -> int:
    """The main job on a made-up organisation that runs on this machine: nothing outside it is called."""
    try:
        from reporter.sandbox.serve import sandbox
    except ModuleNotFoundError as error:
        raise _no_sandbox(error) from error
    from reporter.run import run
    from reporter.schedule import parse

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    at = now or clock.now()
    click.echo(f"Starting an AWS organisation and a Workload Protection tenant on this machine (size {size}) …", err=True)
    with sandbox(size=size, seed=seed, now=at) as served:
        os.environ.update(served.environment)
        with _progress() as watch:
            finished = run(parse(served.schedule, "the sandbox's schedule"), out, at, watch=watch)
    folder = finished.folder.resolve()
    click.echo(f"\nThe page:      xdg-open {folder / 'report.html'}")
    click.echo(f"The workbook:  libreoffice {folder / 'report.xlsx'}\n")
    _say(finished, None)
    return COMPLETE


@cli.command("verify")
@click.argument("packs", metavar="PACK...", nargs=-1, required=True, type=PACK)
@KEYS
@FINGERPRINTS
def verify_command(packs: tuple[Path, ...], keys: tuple[Path, ...], fingerprints: tuple[str, ...]) -> int:
    """Check packs (run folders, or zips of them) and the chain that they form. Exits with 1 if anything is wrong with any of them."""
    from reporter.evidence.trust import trust
    from reporter.evidence.verify import told, verify

    held = trust(keys, fingerprints)
    checked = verify(packs, held)
    for line in told(checked, held):
        click.echo(legible(line))
    return BROKE if any(pack.findings for pack in checked) else COMPLETE


@cli.command("sample")
@click.argument("pack", type=PACK)
@click.option("--seed", required=True, help="The auditor's seed: another seed, another sample.")
@click.option("--size", required=True, type=click.IntRange(1), help="How many instances.")
@click.option("--out", type=FOLDER, help="New folder for sample.csv and a trace page for each instance; default: print sample.csv alone.")
@KEYS
@FINGERPRINTS
def sample_command(pack: Path, seed: str, size: int, out: Path | None, keys: tuple[Path, ...], fingerprints: tuple[str, ...]) -> int:
    """Draw a sample of a pack's instances that anyone can draw again, with a trace page for each. A pack that does not hold is refused."""
    from reporter.evidence.sample import draw, told, write
    from reporter.evidence.trust import trust

    sample = draw(pack, seed, size, trust(keys, fingerprints))
    if out is not None:
        write(sample, size, pack, out)
    for line in told(sample, size):
        click.echo(legible(line), err=out is None)
    click.echo(sample.as_csv().removesuffix("\n") if out is None else str(out))
    return COMPLETE


@cli.command("schema")
def schema_command() -> int:
    """Print the JSON schema of schedule.yaml."""
    from reporter.schedule import Schedule

    click.echo(json.dumps(Schedule.model_json_schema(), indent=2, sort_keys=True))
    return COMPLETE


@cli.command("permissions")
@SCHEDULE
@click.option("--read", "part", flag_value="read", help="The policy of the role that reads an account.")
@click.option("--act", "part", flag_value="act", help="The policy of the role that changes something in an account.")
@click.option("--job", "part", flag_value="job", help="The policy of the job itself.")
@click.option("--wp", "part", flag_value="workload_protection", help="Rights of the roles behind the keys of Workload Protection.")
def permissions_command(schedule_file: Path, part: str | None) -> int:
    """Print the IAM policies and Workload Protection rights that the schedule needs, as JSON; what is too long for one policy as a list of them."""
    from reporter.permissions import printed
    from reporter.schedule import load

    parts = printed(load(schedule_file))
    click.echo(json.dumps(parts[part] if part else parts, indent=2))
    return COMPLETE


@cli.command("stack")
@SCHEDULE
@click.option("--member", "part", flag_value="member", help="What an account that is looked at needs, in each region: made for a StackSet.")
@click.option("--regional", "part", flag_value="regional", help="The function in a further region of the job's account, for rules of AWS Config.")
@click.option("--account", default="", help="With --member: the account it is for, where roles have different names.")
def stack_command(schedule_file: Path, part: str | None, account: str) -> int:
    """Print the CloudFormation template that runs the schedule on AWS; nothing in it needs to be edited by hand."""
    from reporter.schedule import load
    from reporter.stack.printed import home, member_account, regional, text

    schedule = load(schedule_file)
    template = member_account(schedule, account) if part == "member" else regional(schedule) if part == "regional" else home(schedule)
    click.echo(text(template), nl=False)
    return COMPLETE


@cli.command("check")
@SCHEDULE
def check_command(schedule_file: Path) -> int:
    """Look, before the first run, whether everything the schedule names can be reached, and say what to grant."""
    from reporter.preflight import preflight, table
    from reporter.schedule import load

    findings = preflight(load(schedule_file))
    for line in table(findings):
        click.echo(legible(line))
    return INCOMPLETE if any(finding.bad for finding in findings) else COMPLETE


@cli.command("init")
@click.option("--schedule", "schedule_file", type=FILE, default=Path("schedule.yaml"), show_default=True, help="File to write.")
@click.option("--account", help="Account id, and AWS is not asked; default: the account of the current credentials, and its organisation.")
@click.option("--role", default="reporter-read", show_default=True, help="Name of the role that the organisation's other accounts are read with.")
@click.option("--region", "regions", multiple=True, help="Region to read (repeatable); default: those in use.")
@click.option(
    "--wp-url",
    default="https://workload.de-1.cloudone.trendmicro.com/api",
    envvar="WP_API_URL",
    show_default=True,
    show_envvar=True,
    help="Workload Protection's API.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: write what was found.")
def init_command(schedule_file: Path, account: str | None, role: str, regions: tuple[str, ...], wp_url: str, yes: bool) -> int:
    """Ask the account what there is, and write a commented schedule.yaml to start from. Secrets are named in it, never written."""
    from reporter.starter import Found, auth_of, look, refuse_existing, write_starter

    refuse_existing(schedule_file)
    asking = not yes and sys.stdin.isatty()
    role = click.prompt("Role that other accounts are read with", role) if asking and not account else role
    found = Found(account) if account else look(role)
    found = replace(found, regions=regions or found.regions)
    if asking:
        answer = click.prompt("Regions", " ".join(found.regions) or "all")
        found = replace(found, regions=() if answer == "all" else tuple(answer.replace(",", " ").split()))
        wp_url = click.prompt("Workload Protection's API", wp_url)
    write_starter(schedule_file, found, wp_url, role, auth_of(wp_url))
    key = "" if "WP_API_KEY" in os.environ else "export WP_API_KEY=…, then: "
    click.echo(f"{schedule_file} is written. Next: {key}reporter check --schedule {schedule_file}")
    return COMPLETE


@cli.group("sandbox")
def sandbox_group() -> None:
    """An AWS organisation and a Workload Protection tenant that run on this machine."""


@sandbox_group.command("serve", context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox_serve(arguments: tuple[str, ...]) -> int:
    """Keep both servers up and print the environment to point any AWS client and the reporter at them."""
    try:
        from reporter.sandbox.serve import main as serve
    except ModuleNotFoundError as error:
        raise _no_sandbox(error) from error
    return serve(list(arguments)) or COMPLETE


def main(arguments: list[str] | None = None) -> int:
    """Entry point. Returns the exit code: 0 complete, 1 broke, no mail was sent, a pack not stored or Security Hub lacks findings, 2 schedule or call
    wrong, 3 some scope unread, 4 an action failed, 5 checks failed (--fail-on), 6 stopped."""
    told = Told()
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    if not debug and arguments is None:
        sys.excepthook = lambda kind, error, trace: _broke(kind, error, trace, told.log)
    try:
        code = cli.main(args=given, prog_name="reporter", standalone_mode=False, obj=told)
    except click.ClickException as error:
        error.show()
        return WRONG
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return BROKE
    except ReporterError as error:
        if debug:
            raise
        if told.log:
            told.log.ended("stopped" if isinstance(error, Stopped) else "broke", error.exit_code, message=str(error))
        else:
            click.echo(f"reporter: {error}", err=True)
        if isinstance(error, Stopped) and arguments is None:
            _leave(error.exit_code)
        return error.exit_code
    return code if isinstance(code, int) else COMPLETE


def _say(finished: Finished, fail_on: str | None) -> int:
    code = _code(finished, fail_on)
    _show(finished)
    if log := _log():
        log.ended(_OUTCOMES[code], code, finished)
    return code


_OUTCOMES = {
    COMPLETE: "complete",
    BROKE: "not_published",
    INCOMPLETE: "incomplete",
    FAILED_ACTION: "action_failed",
    FAILED_CHECKS: "checks_failed",
}


def _code(finished: Finished, fail_on: str | None) -> int:
    if finished.nobody_has_it or finished.nobody_keeps_it or finished.hub_lacks_some:
        return BROKE
    if finished.action_failed:
        return FAILED_ACTION
    if finished.incomplete:
        return INCOMPLETE
    return FAILED_CHECKS if fail_on and finished.by_status.get(fail_on) else COMPLETE


def _log() -> JsonLog | None:
    context = click.get_current_context(silent=True)
    told = context.find_object(Told) if context else None
    return told.log if told else None


def _warn(text: str) -> None:
    """Something for the operator, on stderr."""
    log = _log()
    if log:
        log.line("publish", "warning", message=text)
    else:
        click.echo(text, err=True)


def _show(finished: Finished) -> None:
    status, scopes = finished.by_status, finished.by_scope_state
    click.echo("results  " + "  ".join(f"{name} {count}" for name, count in status.items()))
    click.echo("scopes   " + "  ".join(f"{name} {count}" for name, count in scopes.items()))
    for action, states in finished.by_action.items():
        click.echo(f"action   {action}: " + "  ".join(f"{name} {count}" for name, count in states.items()))
    for sentence in finished.held_back:
        click.echo(f"not done  {sentence}")
    _published(finished)
    if finished.incomplete:
        click.echo("Some scopes could not be read: scopes.csv names each with the permission to grant. Checks that need them are UNKNOWN there.")
    if finished.action_failed:
        click.echo("An action failed: actions.jsonl says which, and why.")
    if finished.nobody_has_it:
        _warn("No mail was sent: the run is whole, its report reached nobody.")
    if finished.nobody_keeps_it:
        _warn("A pack is not stored: it lies in the folder of its run alone. The next run into the same folder tries again.")
    if finished.hub_lacks_some:
        _warn("Security Hub lacks findings of this run; the next run sends them again.")
    click.echo(str(finished.folder))


def _published(finished: Finished) -> None:
    """What became of mails, packs and findings; what did not arrive goes to stderr."""
    log = _log()
    for what, deliveries in (("mail", finished.deliveries), ("pack", finished.packs), ("findings", finished.hubs), ("rules", finished.rules)):
        for delivery in deliveries:
            if log:
                log.line(what, delivery.state.value, recipient=delivery.recipient, message=delivery.message or None)
            else:
                _deliver(what, delivery)
    if finished.no_stamp:
        _warn(f"warning  {legible(finished.no_stamp)}")


def _deliver(what: str, delivery: Delivery) -> None:
    """What became of one thing that was to be published, for people."""
    bad = delivery.state != "sent"
    said = f"{what:<8} {delivery.state.value}  {legible(delivery.recipient)}"
    if what in ("findings", "rules"):
        click.echo(f"{said}: {legible(delivery.message)}", err=bad)
        return
    click.echo(said, err=bad)
    if bad or what == "pack":
        click.echo(f"         {legible(delivery.message)}", err=bad)


def _leave(code: int) -> None:
    """End at once: threads may still wait for answers that nobody wants."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _no_sandbox(error: ModuleNotFoundError) -> ReporterError:
    return ReporterError(f"the sandbox is not installed ({error.name} is missing)", fix="pip install 'workload-compliance-reporter[sandbox]'")


def _broke(kind: type[BaseException], error: BaseException, trace: TracebackType | None, log: JsonLog | None = None) -> None:
    """A defect of ours: one line instead of a traceback, unless --debug; Python then exits with 1."""
    del trace
    if log:
        log.ended("broke", BROKE, message=f"{kind.__name__}: {error}")
        return
    click.echo(f"reporter: broke: {kind.__name__}: {error}\n  change: this is a defect; run again with --debug and report what it prints", err=True)


@contextmanager
def _workers(address: str | None, number: int | None) -> Iterator[Workers | None]:
    """Who reads accounts; None: this process."""
    if not address and not number:
        yield None
        return
    from reporter.cluster import cluster, processes

    with cluster(address) if address else processes(number or 1) as workers:
        yield workers


@contextmanager
def _progress() -> Iterator[Watch]:
    from reporter.progress import progress

    if log := _log():
        yield log.watch()
        return
    with progress() as watch:
        yield watch


if __name__ == "__main__":
    sys.exit(main())
