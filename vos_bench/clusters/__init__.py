"""Clusters that hand work out, dask or ray, or this machine alone; `vos_bench.clusters.connection` connects to one."""

import os
from pathlib import Path
from typing import Literal, NamedTuple

from vos_bench.errors import BadInputError

FORMS = "local, dask://HOST:PORT, ray://HOST:PORT (ray's client port, 10001), ray://auto or ray://local"


class Cluster(NamedTuple):
    """Where the work is distributed: `local`, or a cluster and its address."""

    kind: Literal["local", "dask", "ray"] = "local"
    address: str = ""

    def __str__(self) -> str:
        """Return it as it is written on the command line."""
        return f"{self.kind}://{self.address}" if self.address else self.kind


LOCAL = Cluster()


def parse_cluster(text: str) -> Cluster:
    """Return the cluster that `--engine` names. Raises BadInputError where it is none of `FORMS`."""
    kind, _, address = text.partition("://")
    host, _, port = address.rpartition(":")
    if text == "local":
        return LOCAL
    if kind == "dask" and host and port.isdigit():
        return Cluster("dask", address)
    if kind == "ray" and (address in ("local", "auto") or (host and port.isdigit())):
        return Cluster("ray", address)
    raise BadInputError(f"--engine {text}: expected {FORMS}")


def path_on(engine: Cluster, path: Path) -> Path:
    """Return a path as a cluster's workers find it: they were started in other folders."""
    return path if engine == LOCAL else Path(os.path.expanduser(path)).absolute()  # noqa: PTH111  # which may raise
