"""What must hold before a release: each step is run, and leaves a log.

    pip install '.[release]'
    python ci/release/checklist.py --list
    python ci/release/checklist.py --out release-check
    python ci/release/checklist.py --only version,wheel,documents

The commit that is checked out is cloned, built and installed into fresh environments; nothing of the checkout itself is
used. OUT gets STEP.log of each step, checklist.md and checklist.json, the benchmarks, the faults and the site with the
reference of the interface. Exit code 0: all passed; 1: something failed; 3: nothing failed, but something could not be
checked here.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from steps import STEPS
from workshop import FailedError, NotCheckedError, Workshop

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """How a step ended."""

    step: str
    outcome: str
    found: str
    seconds: float


def check(shop: Workshop, name: str) -> Outcome:
    """Run one step."""
    shop.log = shop.out / f"{name}.log"
    shop.log.unlink(missing_ok=True)
    began = time.monotonic()
    try:
        outcome, found = "passed", STEPS[name](shop)
    except NotCheckedError as error:
        outcome, found = "not checked", str(error)
    except FailedError as error:
        outcome, found = "FAILED", str(error)
    return Outcome(name, outcome, found, round(time.monotonic() - began, 1))


def report(outcomes: list[Outcome], *, commit: str) -> str:
    """Return the list as Markdown."""
    lines = [f"# Release check of {commit}", "", f"{platform.machine()}, Python {platform.python_version()}", ""]
    lines += ["| step | outcome | found | s |", "| --- | --- | --- | ---: |"]
    lines += [
        f"| {each.step} | {each.outcome} | {each.found.replace('|', '/')} | {each.seconds:.0f} |" for each in outcomes
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the steps that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="say what the steps are, and do nothing")
    parser.add_argument("--only", default=",".join(STEPS), metavar="A,B", help="these steps alone")
    parser.add_argument("--out", type=Path, default=Path("release-check"), help="the folder of logs and results")
    arguments = parser.parse_args()
    chosen = [name for name in arguments.only.split(",") if name]
    if unknown := [name for name in chosen if name not in STEPS]:
        parser.error(f"--only {unknown[0]}: there is no such step; known: {', '.join(STEPS)}")
    if not chosen:
        parser.error(f"--only {arguments.only!r}: no step is chosen; known: {', '.join(STEPS)}")
    if arguments.list:
        print("\n".join(f"{name}: {(STEPS[name].__doc__ or '').strip()}" for name in chosen))
        return 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="vos-bench-release-") as scratch:
        shop = Workshop(ROOT, out=arguments.out.resolve(), scratch=Path(scratch))
        commit = shop.run("git", "rev-parse", "--short", "HEAD", inside=ROOT).strip()
        shop.log.unlink()
        for name in chosen:
            outcomes.append(check(shop, name))
            print(f"{outcomes[-1].outcome:12} {name}: {outcomes[-1].found}", flush=True)
            (arguments.out / "checklist.md").write_text(report(outcomes, commit=commit), encoding="utf-8")
    text = json.dumps([asdict(each) for each in outcomes], indent=1)
    (arguments.out / "checklist.json").write_text(text + "\n", encoding="utf-8")
    found = {each.outcome for each in outcomes}
    return 1 if "FAILED" in found else 3 if "not checked" in found else 0


if __name__ == "__main__":
    sys.exit(main())
