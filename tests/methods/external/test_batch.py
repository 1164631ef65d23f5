"""The batch form: folders in, folders out."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vos_bench.api import Prompt, PromptedFrame, PromptedSequence
from vos_bench.errors import BadInputError, MethodError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="external programs need process groups")

COPY = """
import json, pathlib, sys
import numpy as np
from PIL import Image

frames, prompts, out = map(pathlib.Path, sys.argv[1:4])


def segment(frames, prompts, out):
    labels = 0
    for path in sorted(frames.iterdir()):
        prompt = prompts / (path.stem + ".png")
        if prompt.is_file():
            labels = np.maximum(labels, np.array(Image.open(prompt)))
        save(path.stem, labels, out)


def save(name, labels, out):
    Image.fromarray(labels.astype(np.uint8)).save(out / (name + ".png"))

"""
ONE = "\nsegment(frames, prompts, out)\n"
ALL = "\nfor folder in sorted(frames.iterdir()):\n    segment(folder, prompts / folder.name, out / folder.name)\n"
FOLDERS = " {frames} {prompts} {out}"


def test_label_maps_come_back_and_temporary_folders_go(
    external: Any, clip: Any, answers: Any, script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    method = external(script(COPY + ONE) + FOLDERS)
    found = answers(method, clip())
    assert [sorted(set(each.labels.ravel().tolist())) for each in found] == [[0, 1], [0, 1], [0, 1, 2], [0, 1, 2]]
    assert [each.milliseconds for each in found] == [None] * 4
    method.close()
    assert not list(tmp_path.glob("vos-bench-*"))


def test_what_is_exchanged_can_be_kept_and_is_lossless(
    external: Any, clip: Any, answers: Any, script: Any, tmp_path: Path
) -> None:
    answers(external(script(COPY + ONE) + FOLDERS, keep=str(tmp_path / "kept"), images="png-named-jpg"), clip())
    frames = sorted((tmp_path / "kept" / "frames" / "video").iterdir())
    assert [path.name for path in frames] == [f"{t:05d}.jpg" for t in range(4)]
    assert [int(np.array(Image.open(path))[0, 0, 0]) for path in frames] == [0, 1, 2, 3]
    assert sorted(path.name for path in (tmp_path / "kept" / "prompts" / "video").iterdir()) == [
        "00000.png",
        "00002.png",
    ]
    assert set(np.unique(np.array(Image.open(tmp_path / "kept" / "prompts" / "video" / "00002.png")))) == {0, 2}


def test_boxes_are_handed_over_as_json(external: Any, answers: Any, script: Any, tmp_path: Path) -> None:
    def fed() -> Iterator[PromptedFrame]:
        yield PromptedFrame(np.zeros((20, 30, 3), np.uint8), Prompt(boxes={1: (1, 2, 3.5, 4)}))

    sequence = PromptedSequence("boxed", ("first",), fed())
    with pytest.raises(MethodError, match=r"wrote 0 of 1 label map to \{out\}; missing: first"):
        answers(external(script("") + FOLDERS, keep=str(tmp_path / "kept")), sequence)
    assert json.loads((tmp_path / "kept" / "prompts" / "boxed" / "first.json").read_text()) == {"1": [1, 2, 3.5, 4]}


def test_times_in_a_file_are_taken(external: Any, clip: Any, answers: Any, script: Any) -> None:
    times = "import json\n(out / 'times.json').write_text(json.dumps({f'{t:05d}': 10.0 * t for t in range(4)}))\n"
    found = answers(external(script(COPY + ONE + times) + FOLDERS), clip())
    assert [each.milliseconds for each in found] == [0, 10, 20, 30]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "cannot be read"),
        ("{", "cannot be read"),
        ('{"00000": "soon"}', "cannot be read"),
        ('{"00009": 1}', "names 00009, which are no frames"),
        ('{"00000": -1}', "holds times that are none"),
    ],
)
def test_times_that_are_none(external: Any, clip: Any, answers: Any, script: Any, text: str, message: str) -> None:
    with pytest.raises(MethodError, match=message):
        answers(external(script(COPY + ONE + f"(out / 'times.json').write_text({text!r})\n") + FOLDERS), clip())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit('no checkpoint')", "the command ended with exit code 1; it last said: no checkpoint"),
        ("import os; os.kill(os.getpid(), 9)", "the command was killed by SIGKILL"),
        ("", r"wrote 0 of 4 label maps to \{out\}; missing: 00001, 00002, 00003"),
        ("segment(frames, prompts, out); (out / '00002.png').unlink()", "wrote 3 of 4 .* missing: 00002; expected FR"),
        ("segment(frames, prompts, out); (out / '00002.png').write_bytes(b'GIF')", "frame 00002: its label map cannot"),
        ("segment(frames, prompts, out); save('00001', np.zeros((20, 30, 3)), out)", "frame 00001: its label map can"),
        ("import time; time.sleep(100)", r"the command was not done within 2 s \(--timeout\)"),
    ],
    ids=["exits", "killed", "nothing", "too-few", "no-image", "colours", "hangs"],
)
def test_a_command_that_fails_gives_one_clear_message(
    external: Any, clip: Any, answers: Any, script: Any, body: str, message: str
) -> None:
    slow = 2 if "sleep" in body else None
    with pytest.raises(MethodError, match=message):
        answers(external(script(COPY + "\n" + body + "\n") + FOLDERS, timeout_seconds=slow), clip())


def test_the_first_frame_may_be_left_out(external: Any, clip: Any, answers: Any, script: Any) -> None:
    found = answers(external(script(COPY + ONE + "(out / '00000.png').unlink()\n") + FOLDERS), clip())
    assert (found[0].labels[2:8, 5:15] == 1).all()


def test_all_that_it_prints_is_in_the_log(external: Any, clip: Any, answers: Any, script: Any) -> None:
    method = external(script(COPY + ONE + "print('one')\nsys.stderr.write('two\\n')\n") + FOLDERS)
    answers(method, clip())
    assert sorted(method.finish().split()) == ["one", "two"]


def test_a_command_is_taken_word_by_word_without_a_shell(
    external: Any, clip: Any, answers: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "a b; $HOME"
    folder.mkdir()
    (folder / "it's.py").write_text(COPY + ONE)
    command = f'"{sys.executable}" "{folder}/it\'s.py" {{frames}} {{prompts}} {{out}}'
    assert len(answers(external(command, keep=str(tmp_path / "kept here")), clip())) == 4


def test_what_the_command_may_be_told(external: Any, clip: Any, answers: Any, script: Any, tmp_path: Path) -> None:
    weights = tmp_path / "w.pth"
    weights.touch()
    told = "print(*sys.argv[4:], '{braces} stay')\n"
    method = external(script(COPY + ONE + told) + FOLDERS + " {sequence} {weights} {device} {seed}", weights=weights)
    answers(method, clip("name"))
    assert method.finish() == f"name {weights} cpu 0 {{braces}} stay"


@pytest.mark.parametrize(
    ("words", "settings", "message"),
    [
        (" {frames}", {}, r"found no \{out\}"),
        (" {frames} {out} {sequence}", {"calls": "once"}, r"\{sequence\} has no meaning"),
    ],
)
def test_placeholders_that_make_no_sense(external: Any, words: str, settings: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        external("true" + words, **settings)


def test_weights_that_a_command_wants_and_nobody_gave(external: Any, clip: Any, answers: Any) -> None:
    with pytest.raises(BadInputError, match=r"names \{weights\}, and there are none; give --weights"):
        answers(external("true {frames} {out} {weights}"), clip())


def test_one_call_serves_all_sequences(external: Any, clip: Any, answers: Any, script: Any) -> None:
    method = external(script(COPY + ALL + "print('called')\n") + FOLDERS, calls="once")
    method.preview_sequences(iter([clip("a"), clip("b", frames=3)]))
    assert len(answers(method, clip("b", frames=3))) == 3
    assert len(answers(method, clip("a"))) == 4
    assert method.finish() == "called"


def test_one_call_that_dies_half_way_keeps_what_it_wrote(external: Any, clip: Any, answers: Any, script: Any) -> None:
    body = ALL + "    sys.exit('out of memory') if folder.name == 'a' else 0\n"
    method = external(script(COPY + body) + FOLDERS, calls="once")
    method.preview_sequences(iter([clip("a"), clip("b")]))
    assert len(answers(method, clip("a"))) == 4
    with pytest.raises(MethodError, match=r"missing: 00001.*; it ended with exit code 1; .* out of memory"):
        answers(method, clip("b"))


def test_a_sequence_that_cannot_be_read_fails_alone(external: Any, clip: Any, answers: Any, script: Any) -> None:
    def broken() -> Iterator[PromptedFrame]:
        yield next(clip().frames)
        raise BadInputError("frame 00001 is no image")

    method = external(script(COPY + ALL) + FOLDERS, calls="once")
    method.preview_sequences(iter([PromptedSequence("a", ("00000", "00001"), broken()), clip("b")]))
    with pytest.raises(BadInputError, match="is no image"):
        answers(method, clip("a"))
    assert len(answers(method, clip("b"))) == 4
