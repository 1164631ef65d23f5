"""`vos-bench check-method`: whether a method has the properties that it claims."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import vos_bench
from vos_bench import registry
from vos_bench.checking.check_method import CheckedMethod, Finding
from vos_bench.checking.check_method import check_method as run_checks
from vos_bench.commands import options
from vos_bench.commands.groups import MANY
from vos_bench.commands.output import say, write_page
from vos_bench.commands.run import process_settings
from vos_bench.devices import resolve_device
from vos_bench.environment import device_name
from vos_bench.tables import Column, Table, render

COLUMNS = (Column("check"), Column("asks", prose="wrapped"), Column("outcome"), Column("found", prose="wrapped"))


def check_method(
    method: str,
    *,
    weights_: Annotated[str | None, Parameter(name="--weights")] = None,
    device: str = "auto",
    seed: int = 0,
    command: str | None = None,
    timeout: float | None = None,
    set_: Annotated[tuple[str, ...], MANY, Parameter(name="--set")] = (),
    out: Annotated[Path | None, Parameter(name="--out", validator=options.names_file)] = None,
) -> int:
    """Check the properties of a method on made-up clips; exit code 1 when a check fails.

    Args:
        method: The method's name, or FILE.py:CLASS for one that is not installed.
        weights_: A file of parameters, or the name of one that `vos-bench list weights` shows; untrained: random ones.
        device: auto, cpu, cuda or cuda:1.
        seed: The seed of all runs.
        command: For a system in its own process: the program that answers, and its arguments; see docs/external.md.
        timeout: For a system in its own process: how many seconds an answer may take. By default, any time.
        set_: KEY=VALUE of the method's configuration; may be given several times.
        out: A file for the card, Markdown.
    """
    info = registry.method(method)
    settings = (*process_settings(command, timeout), *set_)
    findings = run_checks(CheckedMethod(info, weights_, settings, device, seed), _say)
    failed = [each.check for each in findings if each.outcome == "failed"]
    say(f"{info.name}: {', '.join(failed)} failed" if failed else f"{info.name}: nothing failed")
    if out is not None:
        write_page(out, _card(info.name, findings, device))
        say(str(out))
    return int(bool(failed))


def _say(finding: Finding) -> None:
    say(f"{finding.outcome:12}{finding.check}: {finding.found}")


def _card(name: str, findings: list[Finding], device: str) -> str:
    rows = [finding._asdict() for finding in findings]
    made = f"vos-bench {vos_bench.__version__}, --device {device} ({device_name(resolve_device(device))})"
    return render(Table(f"What {name} is", COLUMNS, rows, (f"Made by vos-bench check-method; {made}.",)), "markdown")
