"""What a comparison says of options in which two runs differ: the option, and both values."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

import vos_bench
from vos_bench.comparing.verdicts import require_comparable
from vos_bench.errors import NotComparableError
from vos_bench.records import MethodEntry, ProtocolEntry, Run, WeightsEntry

MakeRun = Callable[..., Run]


def with_method(run: Run, **fields: Any) -> Run:
    return replace(run, record=run.record.replace(method=MethodEntry(name="mine", **fields)))


def test_an_option_that_differs_is_named_with_both_values(make_run: MakeRun) -> None:
    settings = ({"memory": {"size": 8, "rate": 0.1}, "only": None}, {"memory": {"size": 16, "rate": 0.1}})
    weights = [WeightsEntry(name=name, file="w", sha256=name * 64) for name in "ab"]
    before, after = (
        with_method(make_run({"a": (0.5, 0.5)}, seed=seed, amp=amp), config=config, weights=each)
        for seed, amp, config, each in zip((0, 1), ("off", "bf16"), settings, weights, strict=True)
    )
    comparison = vos_bench.compare(before, after)
    assert comparison.verdict == "same"
    assert comparison.different_options == (
        "--weights (a aaaaaaaa, then b bbbbbbbb)",
        "--seeds (0, then 1)",
        "--amp (off, then bf16)",
        "--set memory.size (8, then 16)",
    )
    assert vos_bench.compare(before, before).different_options == ()


def test_settings_of_two_methods_are_not_held_against_each_other(make_run: MakeRun) -> None:
    before = with_method(make_run({"a": (0.5, 0.5)}), config={"x": 1})
    other = replace(before, record=before.record.replace(method=MethodEntry(name="other", config={"y": 2})))
    assert vos_bench.compare(before, other).different_options == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"init": "box"}, r"start from 'mask', this run has 'box' \(--init\)"),
        ({"frames_seen": "annotated"}, r"frames seen 'all', this run has 'annotated' \(--frames\)"),
        ({"name": "all-frames"}, r"protocol 'davis', this run has 'all-frames' \(--protocol\)"),
    ],
)
def test_a_refusal_names_the_option(make_run: MakeRun, change: dict[str, str], said: str) -> None:
    protocol = structs.replace(ProtocolEntry(name="davis", init="mask", frames_seen="all"), **change)
    runs = [make_run({"a": (0.5, 0.5)}, protocol=each) for each in (None, protocol)]
    with pytest.raises(NotComparableError, match=said):
        require_comparable(*(run.record for run in runs))


def test_several_reasons_are_a_line_each(make_run: MakeRun) -> None:
    protocol = ProtocolEntry(name="davis", init="box", frames_seen="annotated")
    runs = [make_run({"a": (0.5, 0.5)}, protocol=each) for each in (None, protocol)]
    with pytest.raises(NotComparableError) as refused:
        require_comparable(*(run.record for run in runs))
    first, second = str(refused.value).splitlines()
    assert first.startswith("Not comparable: baseline has start from")
    assert second.startswith("  baseline has frames seen")


def test_the_command_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from vos_bench.cli import main

    for name, chosen in (("a", ()), ("b", ("--set", "mend=false"))):
        command = ("run", "flow-warp", "--dataset", "demo", "--sequences", "tiny", *chosen)
        assert main([*command, "--out", str(tmp_path / name)]) == 0
    capsys.readouterr()
    main(["compare", str(tmp_path / "a"), str(tmp_path / "b")])
    assert "Run with different options: --set mend (True, then False)." in capsys.readouterr().out
