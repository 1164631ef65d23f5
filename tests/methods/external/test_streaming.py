"""The streaming form: what goes well, and one clear message for everything that does not."""

import os
import re
import shlex
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vos_bench.errors import BadInputError, MethodError
from vos_bench.methods.external.child import BoundedLog
from vos_bench.methods.external.recipes import DRIVERS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="external programs need process groups")


def test_the_reference_client_answers_every_frame(external: Any, clip: Any, answers: Any, client: str) -> None:
    found = answers(external(client), clip())
    assert [sorted(set(each.labels.ravel().tolist())) for each in found] == [[0, 1], [0, 1], [0, 1, 2], [0, 1, 2]]
    assert all(each.labels.dtype == np.uint16 and each.labels.shape == (20, 30) for each in found)
    assert (found[3].labels[2:8, 5:15] == 1).all()
    assert (found[3].labels[11:17, 5:15] == 2).all()


def test_the_reference_client_needs_numpy_alone_and_is_short(client: str) -> None:
    text = Path(shlex.split(client)[-1]).read_text("utf-8")
    assert set(re.findall(r"^(?:import|from) (\w+)", text, flags=re.M)) == {"json", "os", "sys", "time", "numpy"}
    serve = text[text.index("def serve") : text.index("class Still")]
    assert len([line for line in serve.splitlines() if line.strip()]) <= 40


def test_times_are_those_that_the_system_tells(external: Any, clip: Any, answers: Any, program: Any) -> None:
    found = answers(external(program("time.sleep(0.05 if frame == 3 else 0)\nreturn labels")), clip())
    assert found[3].milliseconds >= 50
    assert all(each.milliseconds is not None and each.milliseconds >= 0 for each in found)


def test_one_process_serves_many_sequences(external: Any, clip: Any, answers: Any, program: Any) -> None:
    method = external(program("sys.stderr.write(f'pid {os.getpid()}\\n')\nreturn labels"))
    for name in "ab":
        answers(method, clip(name))
    assert len(set(re.findall(r"pid \d+", method.finish()))) == 1


@pytest.mark.parametrize("kind", ["bool", "uint8", "int64", ">u2"])
def test_a_label_map_may_be_of_any_whole_numbers(
    external: Any, clip: Any, answers: Any, program: Any, kind: str
) -> None:
    found = answers(external(program(f"return labels.astype({kind!r}).T.copy().T")), clip())
    assert (found[1].labels[2:8, 5:15] == 1).all()
    assert found[1].labels.sum() == 60


def test_a_system_may_change_what_it_is_given_in_place(external: Any, clip: Any, answers: Any, script: Any) -> None:
    changing = f"""
import sys
sys.path.insert(0, {str(DRIVERS)!r})
from vos_bench_client import Still, serve


class Changing(Still):
    def step(self, image, new, boxes):
        image[:] = 7
        new += 0
        new[new > 1] = 2
        return super().step(image, new, boxes)


serve(lambda hello: Changing())
"""
    found = answers(external(script(changing)), clip())
    assert [sorted(set(each.labels.ravel().tolist())) for each in found] == [[0, 1], [0, 1], [0, 1, 2], [0, 1, 2]]


def test_fields_that_only_the_other_side_knows_are_ignored(external: Any, clip: Any, answers: Any, script: Any) -> None:
    later = WITHOUT_CLIENT.replace('{"ready": 1}', '{"ready": 1, "name": "x"}').replace(
        '"type": "uint8"}', '"type": "uint8", "confidence": [0.5]}'
    )
    assert later.count("confidence") == later.count("name") == 1
    assert len(answers(external(script(later)), clip())) == 4


def test_what_is_printed_by_mistake_goes_to_the_log(external: Any, clip: Any, answers: Any, program: Any) -> None:
    body = "print('loading', flush=True)\nos.system('echo from C')\nsys.stderr.write('careful\\n')\nreturn labels"
    method = external(program(body))
    assert len(answers(method, clip())) == 4
    log = method.finish()
    assert {"loading", "from C", "careful"} <= set(log.splitlines())
    assert method.finish() == ""


def test_lines_between_answers_are_no_harm_without_the_client_either(
    external: Any, clip: Any, answers: Any, script: Any
) -> None:
    method = external(script(WITHOUT_CLIENT))
    assert len(answers(method, clip())) == 4
    assert method.finish().splitlines()[0] == "[standard output] loading the network"


WITHOUT_CLIENT = """
import json, sys
source, sink = sys.stdin.buffer, sys.stdout.buffer
print("loading the network", flush=True)
for line in source:
    header = json.loads(line[11:])
    answer, labels = {"ready": 1}, b""
    if header["message"] == "frame":
        count = header["height"] * header["width"]
        source.read(count * 3 + (count * 2 if header["masks"] else 0))
        answer = {"frame": header["frame"], "height": header["height"], "width": header["width"], "type": "uint8"}
        labels = bytes(count)
        print("a stray word", flush=True)
        sys.stdout.write("and no end of line: ")
        sys.stdout.flush()
    sink.write(b"@vos-bench " + json.dumps(answer).encode() + b"\\n" + labels)
    sink.flush()
"""


FAULTS = {
    "exits": (
        "sys.stderr.write('no memory left\\n')\nos._exit(3)",
        r"ended with exit code 3 instead of answering frame 00001; it last said: no memory left",
    ),
    "killed": (
        "os.kill(os.getpid(), signal.SIGKILL)",
        r"killed by SIGKILL \(it may have run out of memory\) instead of answering frame 00001; it said nothing",
    ),
    "crashes": ("os.kill(os.getpid(), signal.SIGSEGV)", r"was killed by SIGSEGV"),
    "raises": ("raise ValueError('wrong colour')", r"exit code 1 .* it last said: ValueError: wrong colour"),
    "wrong-shape": ("return labels[:10, :7]", r"frame 00001: answered a label map of 7x10; expected 30x20"),
    "no-map": ("return [1, 2, 3]", r"the label map is int64 of shape \(3,\) from 1 to 3; expected height x width wh"),
    "fractions": (
        "return labels * 0.5",
        r"the label map is float64 of shape \(20, 30\) from 0\.0 to 0\.5; expected height x width whole .* 65535$",
    ),
    "negative": ("return labels.astype(int) - 1", r"is int64 of shape \(20, 30\) from -1 to 0; expected"),
    "too-large": ("return labels.astype(int) + 65535", r"is int64 of shape \(20, 30\) from 65535 to 65536; expected"),
    "words": ("return labels.astype(str)", r"the label map is <U\d+ of shape \(20, 30\); expected"),
}


@pytest.mark.parametrize(("body", "message"), FAULTS.values(), ids=FAULTS)
def test_a_system_that_fails_gives_one_clear_message(
    external: Any, clip: Any, answers: Any, program: Any, body: str, message: str
) -> None:
    with pytest.raises(MethodError, match=message) as caught:
        answers(external(program(body)), clip())
    assert "\n" not in str(caught.value)


def raw(line: str) -> str:
    """A program that gets ready and then answers the first frame by `line`."""
    return f"""
import json, sys, time
sink = sys.stdout.buffer
sys.stdin.buffer.readline()
sink.write(b'@vos-bench {{"ready": 1}}\\n')
sink.flush()
sys.stdin.buffer.readline()
{line}
sink.flush()
time.sleep(100)
"""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sink.write(b'@vos-bench {\"frame\": 7, \\n')", r"answered '\{\"frame\": 7, ', which is no header"),
        ("sink.write(b'@vos-bench {\"faces\": 7}\\n')", r"answered frame '' when asked for '00000'"),
        ("sink.write(b'\\xff\\x00' * (1 << 20))", r"printed .* where an answer is expected"),
        (
            'sink.write(b\'@vos-bench {"frame": "00009", "height": 20, "width": 30}\\n\')',
            r"answered frame '00009' when asked for '00000'",
        ),
        (
            'sink.write(b\'@vos-bench {"frame": "00000", "height": 20, "width": 30, "type": "float32"}\\n\')',
            r"values of type 'float32'; expected uint8 or uint16",
        ),
        (
            'sink.write(b\'@vos-bench {"frame": "00000", "height": 20, "width": 30, "milliseconds": -1}\\n\')',
            r"reports -1.0 milliseconds",
        ),
        (
            'sink.write(b\'@vos-bench {"frame": "00000", "height": 20, "width": 30}\\nabc\'); sink.flush(); sys.exit()',
            r"ended with exit code 0 instead of answering frame 00000 \(its label map is not whole\)",
        ),
        ("sink.close(); sys.exit(4)", r"ended with exit code 4"),
        ("sink.write(b'@vos-bench \\xff\\xfe\\n')", r"which is no header of an answer"),
        ("sink.write(b'@vos-bench [1]\\n')", r"answered '\[1\]', which is no header"),
        ("sink.write(b'@vos-bench ' + b'[' * 100_000 + b'\\n')", r"\[\[\['…, which is no header"),
        ("sink.write(b'@vos-bench {\"height\": 1e400}\\n')", r"which is no header of an answer: height"),
        (
            'sink.write(b\'@vos-bench {"error": "out of\\\\nmemory\\\\n\' + b"x" * 9000 + b\'"}\\n\')',
            r"frame 00000: the system reports: out of memory x{284,286}…$",
        ),
    ],
    ids=[
        "no-json",
        "unknown-key",
        "binary-junk",
        "wrong-frame",
        "wrong-type",
        "wrong-time",
        "half-a-map",
        "closes",
        "not-unicode",
        "a-list",
        "nested",
        "infinite",
        "long-error",
    ],
)
def test_an_answer_that_does_not_fit_gives_one_clear_message(
    external: Any, clip: Any, answers: Any, script: Any, line: str, message: str
) -> None:
    with pytest.raises(MethodError, match=message) as caught:
        answers(external(script(raw(line))), clip())
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_an_error_that_the_system_reports_costs_one_sequence_and_no_restart(
    external: Any, clip: Any, answers: Any, script: Any
) -> None:
    report = """labels = bytes(count)
        if header["sequence"] == "dark":
            answer, labels = {"error": f"too dark, says {os.getpid()}"}, b\"\"
"""
    method = external(script("import os\n" + WITHOUT_CLIENT.replace("labels = bytes(count)\n", report)))
    told = []
    for _ in range(2):
        with pytest.raises(MethodError, match=r"frame 00000: the system reports: too dark, says \d+") as caught:
            answers(method, clip("dark"))
        told.append(str(caught.value))
        assert len(answers(method, clip("bright"))) == 4
    assert told[0] == told[1]


def test_after_a_crash_the_next_sequence_gets_a_new_process(
    external: Any, clip: Any, answers: Any, program: Any, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    body = f"""
if frame == 2 and not os.path.exists({str(mark)!r}):
    open({str(mark)!r}, "w")
    os._exit(1)
return labels"""
    method = external(program(body))
    with pytest.raises(MethodError, match="exit code 1"):
        answers(method, clip("a"))
    assert len(answers(method, clip("b"))) == 4


def hurried(method: Any) -> Any:
    """Give a method's program, which is ready, a second for each answer; to get ready may take longer."""
    method._conversation._seconds = 1
    return method


def test_time_runs_out_only_if_asked(external: Any, clip: Any, answers: Any, program: Any) -> None:
    sleeps = "time.sleep(1.2 if frame == 1 else 0)\nreturn labels"
    assert len(answers(external(program(sleeps)), clip())) == 4
    method = hurried(external(program("time.sleep(100)")))
    began = time.monotonic()
    with pytest.raises(MethodError, match=r"gave no answer to frame 0000[01] within 1 s \(--timeout\)"):
        answers(method, clip())
    assert time.monotonic() - began < 60


def test_a_program_that_never_gets_ready(external: Any, script: Any) -> None:
    with pytest.raises(MethodError, match=r"gave no answer to hello within 0\.5 s"):
        external(script("import time; time.sleep(100)"), timeout_seconds=0.5)


def test_a_program_that_ends_at_once(external: Any, script: Any) -> None:
    with pytest.raises(MethodError, match=r"exit code 1 instead of answering hello; it last said: Module.*'nowhere'"):
        external(script("import nowhere"))


def test_a_program_of_another_protocol(external: Any, script: Any) -> None:
    with pytest.raises(MethodError, match=r"answered hello with .*expected ready: 1"):
        external(script("""print('@vos-bench {"ready": 2}', flush=True); input()"""))


def test_a_megabyte_of_standard_error_is_bounded_and_blocks_nothing(
    external: Any, clip: Any, answers: Any, program: Any
) -> None:
    method = external(program("sys.stderr.write('x' * 1_000_000 + '\\nthe end\\n')\nreturn labels"))
    assert len(answers(method, clip())) == 4
    log = method.finish()
    assert len(log) < 17_000
    assert log.endswith("the end")
    assert "bytes left out" in log


def running(pattern: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and pattern in (entry / "cmdline").read_bytes().decode(errors="replace"):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found += [int(entry.name)] if state != "Z" else []
        except OSError:
            continue
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")


def gone(pattern: str, patience: float = 300.0) -> bool:
    deadline = time.monotonic() + patience
    while running(pattern) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not running(pattern)


@needs_proc
@pytest.mark.parametrize(
    "body",
    [
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(1000)",
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)', {tag!r}])\ntime.sleep(1000)",
    ],
    ids=["ignores-SIGTERM", "has-children"],
)
def test_nothing_is_left_of_a_program_that_was_too_slow(
    external: Any, clip: Any, answers: Any, program: Any, tmp_path: Path, body: str
) -> None:
    method = hurried(external(program(body.replace("{tag!r}", repr(str(tmp_path))))))
    assert running(str(tmp_path))
    with pytest.raises(MethodError, match="within 1 s"):
        answers(method, clip())
    assert gone(str(tmp_path))


@needs_proc
def test_nothing_is_left_after_closing(external: Any, clip: Any, answers: Any, program: Any, tmp_path: Path) -> None:
    body = f"subprocess.Popen(['sleep', '1000'], cwd={str(tmp_path)!r}) if frame == 1 else 0\nreturn labels"
    method = external(program(body))
    answers(method, clip())
    method.close()
    method.close()
    assert gone(str(tmp_path))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "no command. Give --command"),
        ("'unclosed", "No closing quotation"),
        ("no-such-program-at-all x.py", "there is no program 'no-such-program-at-all'"),
    ],
)
def test_a_command_that_cannot_be_one(external: Any, command: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        external(command)


def test_a_log_keeps_the_beginning_and_the_end() -> None:
    log = BoundedLog()
    log.add(b"first\n")
    for number in range(100_000):
        log.add(b"%d\n" % number)
    assert log.text().startswith("first\n0\n1\n")
    assert log.text().endswith("99998\n99999")
    assert log.last_line() == "99999"
    log.clear()
    assert (log.text(), log.last_line()) == ("", "")
