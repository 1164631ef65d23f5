"""Runs a made-up method on made-up data in a process of its own: run_fake.py OUT METHOD JOBS LENGTH.

FAKE_SICK names sequences in which faulty methods show their fault.
"""

import os
import sys
from pathlib import Path

import fake_vos

from vos_bench.errors import VosBenchError
from vos_bench.running.run import RunSettings, run_method


def main(out: Path, method: str, jobs: int, length: int) -> int:
    """Run it, and end as the command line does."""
    sick = os.environ.get("FAKE_SICK", "")
    specs = {
        name: fake_vos.Spec(length=length, starts={1: 0, 300: 2}, fault="sick" if name in sick else "")
        for name in "abcde"
    }
    dataset = fake_vos.FakeDataset(specs)
    try:
        settings = RunSettings(method=fake_vos.info(method), dataset=dataset, out=out, jobs=jobs, device="cpu")
        record = run_method(settings).record
    except VosBenchError as error:
        sys.stderr.write(f"vos-bench: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return int(record.status != "complete")


if __name__ == "__main__":
    out, method, jobs, length = sys.argv[1:]
    sys.exit(main(Path(out), method, int(jobs), int(length)))
