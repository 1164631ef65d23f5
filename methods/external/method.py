"""Any other system, as a method: over a pipe, or through folders."""

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from vos_bench.api import Prediction, Prompt, PromptedSequence, SequenceMethod
from vos_bench.errors import BadInputError, MethodError, VosBenchError

from .batch import Exchange
from .child import BoundedLog, Child, SlowError, described
from .config import ExternalConfig
from .conversation import Conversation, last_words
from .protocol import ReportedError

PLACEHOLDERS = ("frames", "prompts", "out", "sequence", "weights", "device", "seed")
_PLACEHOLDER = re.compile("{(" + "|".join(PLACEHOLDERS) + ")}")


class External(SequenceMethod):
    """Hands sequences to a program in an environment of its own and takes label maps and times back."""

    Config: ClassVar[type[Any] | None] = ExternalConfig

    def __init__(self, config: Any = None, **settings: Any) -> None:
        """Check the command and, in the streaming form, start the program; see `Method`.

        Raises:
            BadInputError: There is no command, or no such program.
            MethodError: The program does not get ready.
        """
        super().__init__(config, **settings)
        self._words = self.command()
        self._log = BoundedLog()
        self._conversation: Conversation | None = None
        self._exchange: Exchange | None = None
        self._foreseen: dict[str, dict[str, Prompt] | VosBenchError] = {}
        self._outcome = ""
        used = {name for word in self._words for name in _PLACEHOLDER.findall(word)}
        _require_program(self._words)
        if used & {"frames", "out"}:
            _require_sound(used, self.config.calls)
            self._exchange = Exchange(self.config.keep, images=self.config.images)
        else:
            self._conversation = self._converse()

    def command(self) -> tuple[str, ...]:
        """Return the program and its arguments, placeholders included.

        Raises:
            BadInputError: There is none, or it cannot be taken apart.
        """
        try:
            words = tuple(shlex.split(self.config.command))
        except ValueError as error:
            raise BadInputError(f"--command {self.config.command}: {error}; expected a command as in a shell") from None
        if not words:
            raise BadInputError('external: no command. Give --command "python their_script.py" (docs/external.md)')
        return words

    def facts(self) -> Mapping[str, Any]:
        """Return what the streaming form tells the program besides the protocol's version."""
        weights = str(Path(self.weights).absolute()) if self.weights else None
        return {"device": self.device, "amp": self.amp, "compile": self.compile, "seed": self.seed, "weights": weights}

    def segment(self, sequence: PromptedSequence) -> Iterator[Prediction]:
        """Yield what the program answers; see `SequenceMethod.segment`."""
        return self._stream(sequence) if self._exchange is None else self._batch(sequence, self._exchange)

    def preview_sequences(self, sequences: Iterator[PromptedSequence]) -> None:
        """Call the command for all sequences at once, where that is asked for."""
        if self._exchange is None or self.config.calls != "once":
            return
        for sequence in sequences:
            try:
                self._foreseen[sequence.name] = self._exchange.write(sequence)
            except VosBenchError as error:
                self._foreseen[sequence.name] = error
                self._exchange.forget(sequence.name)
        if self._foreseen:
            self._outcome = self._call(self._exchange, "")

    def finish(self) -> str:
        """Return what the program wrote to its standard error since it was last asked; see `Method.finish`."""
        if self._conversation:
            self._conversation.listen()
        text = self._log.text()
        self._log.clear()
        return text

    def close(self) -> None:
        """End the program, and all that it started."""
        if self._conversation:
            self._conversation.end()
            self._conversation = None
        if self._exchange:
            self._exchange.close()

    def _converse(self) -> Conversation:
        words = self._filled({})
        return Conversation(words, log=self._log, seconds=self.config.timeout_seconds, facts=dict(self.facts()))

    def _stream(self, sequence: PromptedSequence) -> Iterator[Prediction]:
        self._conversation = conversation = self._conversation or self._converse()
        for number, (name, frame) in enumerate(sequence.named_frames()):
            try:
                answer = conversation.ask(sequence.name, name, frame.image, frame.new, first=not number)
            except ReportedError:
                raise
            except BaseException:  # it is in no state to be asked again: the next sequence gets a new process
                self._conversation = None
                conversation.end(politely=False)
                raise
            yield Prediction(answer.labels, milliseconds=answer.milliseconds)

    def _batch(self, sequence: PromptedSequence, exchange: Exchange) -> Iterator[Prediction]:
        foreseen = self._foreseen.get(sequence.name)
        if isinstance(foreseen, VosBenchError):
            raise foreseen
        outcome = self._outcome
        if foreseen is None:
            foreseen = exchange.write(sequence)
            outcome = self._call(exchange, sequence.name)
        else:
            for _ in sequence.frames:  # each frame has to be taken before it is answered
                pass
        try:
            yield from exchange.read(sequence, foreseen)
        except MethodError as error:
            if outcome:
                raise MethodError(f"{error}; it {outcome}") from None
            raise
        finally:
            exchange.forget(sequence.name)

    def _call(self, exchange: Exchange, sequence: str) -> str:
        """Call the command for one sequence, or for all where the name is empty.

        Returns:
            How it failed, where it was called for all: some of them may be sound. Empty when it ended well.

        Raises:
            MethodError: It failed, called for one.
        """
        one = sequence if self.config.calls == "sequence" else ""
        folders = {kind: str(exchange.folder(kind, one)) for kind in ("frames", "prompts", "out")}
        child = Child(self._filled({**folders, "sequence": sequence}), log=self._log, converses=False)
        seconds = self.config.timeout_seconds
        try:
            code = child.wait(seconds=seconds)
            failure = f"{described(code)}{last_words(self._log)}" if code else ""
        except SlowError:
            failure = f"was not done within {seconds:g} s (--timeout)"
        finally:
            child.end(politely=False)
        if failure and sequence:
            raise MethodError(f"the command {failure}")
        return failure

    def _filled(self, values: Mapping[str, str]) -> tuple[str, ...]:
        weights = "" if self.weights is None else str(Path(self.weights).resolve())
        known = {"weights": weights, "device": self.device, "seed": str(self.seed), **values}
        if not weights and any("{weights}" in word for word in self._words):
            raise BadInputError("the command names {weights}, and there are none; give --weights FILE")
        return tuple(_PLACEHOLDER.sub(lambda found: known.get(found[1], found[0]), word) for word in self._words)


def _require_program(words: tuple[str, ...]) -> None:
    if shutil.which(words[0]) is None:
        raise BadInputError(f"--command: there is no program {words[0]!r}; expected one on PATH, or its full path")


def _require_sound(used: set[str], calls: str) -> None:
    if missing := {"frames", "out"} - used:
        raise BadInputError(
            f"--command: found no {{{missing.pop()}}}; the batch form needs {{frames}} and {{out}}, the streaming form"
            " neither (docs/external.md)"
        )
    if calls == "once" and "sequence" in used:
        raise BadInputError("--command: {sequence} has no meaning with calls=once, where one call serves all sequences")
