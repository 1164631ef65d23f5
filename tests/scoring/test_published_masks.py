"""Released label maps have the scores that the DAVIS site publishes of them: every frame, sequence and mean."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from vos_bench import registry
from vos_bench.cli import main
from vos_bench.records import Run, load_run
from vos_bench.reports.published_sequences import on
from vos_bench.scoring.shifted_frames import EARLY_NOTE, LATE_NOTE

ROUNDING = 0.0005
"""The site rounds J and F of a frame to three decimals."""

NAMES = {"stm": "STM", "feelvos": "FEELVOS", "osvos": "OSVOS", "siammask": "SiamMask"}


@pytest.fixture(scope="module", params=NAMES)
def scored(request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Run]:
    """One archive, scored by the command: the site's name of its method, and the run."""
    folder = tmp_path_factory.mktemp(request.param)
    with zipfile.ZipFile(shared / "data/DAVIS-official-results/masks-2016-val" / f"{request.param}.zip") as archive:
        archive.extractall(folder)
    command = ("score", folder / request.param, "--dataset", "davis16", "--root", shared / "data" / "DAVIS")
    assert main([str(each) for each in (*command, "--out", folder / "out", "--jobs", "1")]) == 0
    return request.param, load_run(folder / "out")


def test_masks_of_methods_are_not_called_shifted(scored: tuple[str, Run]) -> None:
    noted = {note for sequence in scored[1].sequence_records.values() for note in sequence.data_notes}
    assert not {LATE_NOTE, EARLY_NOTE} & noted


def test_every_frame_has_the_published_scores(scored: tuple[str, Run], shared: Path) -> None:
    name, run = scored
    means: dict[str, list[float]] = {"J": [], "F": []}
    published = json.loads((shared / "data/DAVIS-official-results/per-frame-2016" / f"{name}.json").read_text())
    compared = 0
    for sequence in run.sequence_records.values():
        [found] = sequence.scores
        for measure in ("J", "F"):
            wanted = np.array(published[sequence.name][measure], float)
            # what lies between two decimals may be rounded to either
            np.testing.assert_allclose(getattr(found.per_frame, measure), wanted, rtol=0, atol=ROUNDING + 1e-9)
            compared += len(wanted)
            means[measure].append(float(wanted.mean()))
    assert compared == 2 * 1336
    for measure, each in means.items():
        assert run.record.scores[measure] == pytest.approx(np.mean(each), abs=1.7e-5)


def test_sequences_and_means_have_the_published_scores(scored: tuple[str, Run]) -> None:
    name, run = scored
    [published] = [each for each in on("davis16", "val") if each.method == NAMES[name]]
    assert set(published.objects) == set(run.sequence_records)
    for sequence in run.sequence_records.values():
        [found] = sequence.scores
        wanted = published.objects[sequence.name][1]
        np.testing.assert_allclose((found.J, found.F), wanted, rtol=0, atol=2e-4)
    scores = run.record.scores
    np.testing.assert_allclose((scores["J"], scores["F"]), published.means(), rtol=0, atol=3e-5)


def test_a_verified_system_is_one_whose_released_label_maps_are_tested_here() -> None:
    verified = [name for name, system in registry.known_systems().items() if system.verified]
    assert verified == ["feelvos"]
    assert registry.known_systems()["feelvos"].masks
    assert set(verified) < set(NAMES)
