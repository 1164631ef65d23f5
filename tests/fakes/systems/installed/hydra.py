"""What the driver of Cutie uses of Hydra."""

from contextlib import contextmanager
from pathlib import Path

FOLDER = []


@contextmanager
def initialize_config_dir(*, version_base, config_dir):
    assert version_base == "1.3.2"
    assert (Path(config_dir) / "eval_config.yaml").is_file()
    FOLDER.append(config_dir)
    yield
    FOLDER.pop()


class Configuration(dict):
    __getattr__ = dict.__getitem__


def compose(*, config_name, overrides):
    assert FOLDER
    assert config_name == "eval_config"
    (model,) = overrides
    found = Configuration(model=model.removeprefix("model="), weights="output/x.pth", mem_every=None)
    found.update(dataset="d17-val", max_internal_size=-1)
    return found
