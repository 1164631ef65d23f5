"""Runs a made-up method on made-up data in a process of its own: run_fake.py OUT METHOD JOBS LENGTH."""

import sys
from pathlib import Path

import fake_vos

from vos_bench.runner import RunSettings, run

if __name__ == "__main__":
    out, method, jobs, length = sys.argv[1:]
    specs = {name: fake_vos.Spec(length=int(length), starts={1: 0, 300: 2}) for name in "abcde"}
    record = run(
        RunSettings(
            method=fake_vos.info(method),
            dataset=fake_vos.FakeDataset(specs),
            out=Path(out),
            jobs=int(jobs),
            device="cpu",
        )
    )
    sys.exit(record.status != "complete")
