import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import Data, kept, statuses
from watched_processes import interrupted

Call = Callable[..., int]


def test_a_run_is_scored_saved_and_summarised(
    call: Call, video: Path, method_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = call(
        "run", f"{method_file}:Stay", "--dataset", "folder", "--root", video, "--out", "out", "--json", "s.json"
    )
    assert code == 0
    record = json.loads(Path("out/run.json").read_text())
    assert record["status"] == "complete"
    assert set(record["scores"]) == {"J&F", "J", "J_recall", "J_decay", "F", "F_recall", "F_decay"}
    assert record["scores"]["J&F"] == (record["scores"]["J"] + record["scores"]["F"]) / 2
    assert json.loads(Path("s.json").read_text())["runs"][0]["scores"] == record["scores"]
    for table in ("sequences.csv", "objects.csv", "frames.csv.gz", "timing.csv.gz"):
        assert Path("out", table).is_file()
    assert len(list(Path("out/masks").rglob("*.png"))) == 10
    assert "Stay" in capsys.readouterr().out


def test_a_second_call_finds_everything_done_and_says_so(
    call: Call, video: Path, method_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("run", f"{method_file}:Stay", "--dataset", "folder", "--root", video, "--out", "out")
    assert call(*arguments) == 0
    before = {path: path.stat().st_mtime_ns for path in Path("out/masks").rglob("*.png")}
    capsys.readouterr()
    assert call(*arguments) == 0
    assert "out: 2 of the sequences were finished before and are taken over as they are" in capsys.readouterr().err
    assert before == {path: path.stat().st_mtime_ns for path in Path("out/masks").rglob("*.png")}


def test_a_sequence_that_fails_gives_exit_code_1_and_keeps_the_others(
    call: Call, video: Path, method_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("run", f"{method_file}:FailsOnTwo", "--dataset", "folder", "--root", video, "--out", "out") == 1
    record = json.loads(Path("out/run.json").read_text())
    assert (record["status"], record["counts"]["done"], record["counts"]["failed"]) == ("failed", 1, 1)
    assert "failed: two: raised ValueError on frame 00001: cannot take bright frames" in capsys.readouterr().out


def test_seeds_make_a_record_each_and_share_a_line(
    call: Call, video: Path, method_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("run", f"{method_file}:Stay", "--dataset", "folder", "--root", video, "--seeds", "0,1", "--out", "out")
    assert call(*arguments) == 0
    assert [json.loads(Path(f"out/seed-{k}/run.json").read_text())["numerics"]["seed"] for k in (0, 1)] == [0, 1]
    assert "± 0.0" in capsys.readouterr().out


def test_more_jobs_than_sequences_are_as_many_as_there_are(call: Call, video: Path, method_file: Path) -> None:
    arguments = (f"{method_file}:Stay", "--dataset", "folder", "--root", video, "--jobs", "99999999", "--out", "out")
    assert call("run", *arguments) == 0
    assert statuses("out") == {"one": "done", "two": "done"}


def test_what_a_method_says_that_no_file_can_hold_costs_its_sequence_and_no_more(
    call: Call, video: Path, method_file: Path
) -> None:
    method_file.write_text(
        method_file.read_text()
        + """

class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("no")


class Raises(Stay):
    def step(self, image, new=None):
        raise RuntimeError("\\ud800") if image[0, 0, 0] > 100 else Unspeakable

    def finish(self):
        return "\\udcff"
"""
    )
    assert call("run", f"{method_file}:Raises", "--dataset", "folder", "--root", video, "--out", "out") == 1
    one, two = (json.loads(Path(f"out/sequences/{name}.json").read_text()) for name in ("one", "two"))
    assert "RuntimeError on frame 00001: \\ud800" in two["error"]
    assert one["status"] == "failed"
    assert (one["log"], two["log"]) == ("\\udcff", "\\udcff")


def test_a_long_list_of_names_is_looked_through_once(
    call: Call, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"s{k}" for k in range(60_000)]
    Path("list.txt").write_text("\n".join([*names, "s7"]))
    began = time.process_time()
    assert call("run", "copy-first", "--dataset", "folder", "--root", video, "--sequences", "@list.txt") == 2
    assert "named twice: s7" in capsys.readouterr().err
    Path("list.txt").write_text("\n".join(names))
    assert call("score", video / "Annotations", "--truth", video / "Annotations", "--sequences", "@list.txt") == 2
    assert time.process_time() - began < 20  # a look for each name took minutes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "flow-wrap", "--dataset", "folder"), "did you mean flow-warp"),
        (("run", "copy-first", "--dataset", "davis61"), "did you mean davis1"),
        (("run", "copy-first", "--dataset", "davis17"), "VOS_BENCH_DATA"),
        (("run", "copy-first"), "dataset"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--sequences", "three"), "three"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--sequences", "@absent"), "absent"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--sequences", "one,one"), "named twice"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--seeds", "a"), "whole numbers"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--seeds", "1,1"), "each seed once"),
        (
            ("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--seeds", "-1"),
            "from 0 to 922337203685477",
        ),
        (
            ("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--seeds", str(1 << 64)),
            "from 0 to 9223372",
        ),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--stall", "1e300"), "at most 1e+09"),
        (
            ("run", "external", "--dataset", "folder", "--root", "{video}", "--command", "a", "--timeout", "1e300"),
            "timeout",
        ),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--shard", "3/2"), "I/N"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--weights", "absent.pth"), "absent.pth"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--set", "size"), "size"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--jobs", "0"), "jobs"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--device", "tpu"), "tpu"),
        (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--overwrite", "yes"), "overwrite"),
        (("report", "absent"), "absent"),
        (("compare", "a", "b"), "a/run.json"),
        (("score", "masks"), "--dataset"),
        (("score", "masks", "--dataset", "demo", "--jobs", "0"), "--jobs 0: expected 1 or more"),
        (("fetch", "demo"), "nothing to download"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_a_wrong_call_gives_one_message_and_exit_code_2(
    call: Call, video: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert call(*(argument.format(video=video) for argument in arguments)) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.err.startswith("vos-bench: ")
    assert captured.out == ""


def test_debug_adds_the_traceback_and_keeps_the_exit_code(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("score", "masks", "--debug") == 2
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.splitlines()[-1].startswith("vos-bench: score: found neither")


def test_a_method_file_may_use_dataclasses_with_annotations_as_text(call: Call, video: Path, method_file: Path) -> None:
    extra = "from dataclasses import dataclass\n\n\n@dataclass\nclass State:\n    count: int = 0\n"
    method_file.write_text(f"from __future__ import annotations\n{method_file.read_text()}\n{extra}")
    assert call("run", f"{method_file}:Stay", "--dataset", "folder", "--root", video, "--out", "out") == 0


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_an_interrupt_gives_exit_code_130_and_keeps_what_is_finished(folder: Data, methods: Path) -> None:
    arguments = ("run", f"{methods}:Slow", *folder.arguments, "--out", "out")
    here = methods.parent
    code, said = interrupted(arguments, here, begun=here / "slow")
    assert code == 130
    assert "vos-bench: interrupted; finished sequences are kept" in said
    assert "Traceback" not in said
    assert statuses(str(here / "out")) == {"one": "done"}
    assert kept(str(here / "out"))
