"""What the driver of Cutie uses of OmegaConf."""

from contextlib import contextmanager


@contextmanager
def open_dict(configuration):
    yield configuration
