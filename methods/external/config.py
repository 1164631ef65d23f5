"""What can be set of an external system."""

from typing import Literal

from pydantic import Field

from vos_bench.config import FrozenModel


class ExchangeConfig(FrozenModel):
    """How the harness and a system in a process of its own deal with each other.

    Attributes:
        timeout_seconds: How long one answer may take (a frame, getting ready; in the batch form: a call); None, as it
            is unless asked for: as long as it likes.
        calls: In the batch form: `sequence` calls the command for each sequence, `once` calls it one time for all,
            with folders that hold a folder for each sequence.
        images: In the batch form, how frames are written: `png`, or `png-named-jpg` for loaders that look for that
            ending and then go by the content, as OpenCV and Pillow do. Both are lossless.
        keep: In the batch form, a folder for what is exchanged, which then stays; empty: a temporary one.
    """

    timeout_seconds: float | None = Field(default=None, gt=0, le=1e9)
    calls: Literal["sequence", "once"] = "sequence"
    images: Literal["png", "png-named-jpg"] = "png"
    keep: str = ""


class ExternalConfig(ExchangeConfig):
    """Settings of `external`.

    Attributes:
        command: The program and its arguments, as in a shell, which it is not. With {frames} and {out} in it the batch
            form is used, else the streaming form. In both, {weights}, {device} and {seed} are filled in, in the batch
            form also {prompts} and {sequence}.
    """

    command: str = ""
