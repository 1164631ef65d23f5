"""The processes of one training: one, or as many as torchrun started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.nn.functional import all_gather
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from vos_bench.devices import resolve_device


class ProcessGroup(NamedTuple):
    """This process among those that train together.

    Attributes:
        rank: Its number; 0 writes the files.
        size: How many there are.
        device: Where it computes.
    """

    rank: int
    size: int
    device: torch.device


@contextmanager
def join_processes(device: str) -> Iterator[ProcessGroup]:
    """Join the processes that torchrun started (nccl on CUDA, gloo on the CPU); without torchrun there is one.

    Args:
        device: `cpu`, `cuda` (each process takes the card of its local rank), `cuda:1`, or `auto`.

    Raises:
        BadInputError: There is no such device.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    chosen = _device(device, count)
    if count == 1:
        yield ProcessGroup(0, 1, chosen)
        return
    _init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield ProcessGroup(distributed.get_rank(), distributed.get_world_size(), chosen)
    finally:
        distributed.destroy_process_group()


def _init_process_group(backend: str) -> None:
    """Form the process group of this start.

    torchrun keeps one store for all its starts (pytorch issue 135712), in which processes that were started again would
    find the addresses of those that died. So each start has keys of its own. Only on one machine: several machines do
    not count the starts alike, and need `TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1` before `torchrun`.
    """
    store, rank, size = next(rendezvous("env://"))
    if os.environ.get("GROUP_WORLD_SIZE", "1") == "1":
        store = PrefixStore(f"start-{_starts_before()}", store)
    distributed.init_process_group(backend, store=store, rank=rank, world_size=size)


def restarted(group: ProcessGroup) -> bool:
    """Return whether torchrun started the processes again, because one of them died (`--max-restarts`)."""
    return any_process(_starts_before() > 0, group)


def _starts_before() -> int:
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def _device(name: str, count: int) -> torch.device:
    """Return where this one of `count` processes computes, and make a card the one that torch takes unless told."""
    device = torch.device(resolve_device(name, worker=int(os.environ.get("LOCAL_RANK", "0")), workers=count))
    if device.type == "cuda":
        device = torch.device("cuda", device.index or 0)
        torch.cuda.set_device(device)
    return device


def parallel(network: nn.Module, group: ProcessGroup) -> nn.Module:
    """Return the network so that backward averages the gradients of all processes."""
    if group.size == 1:
        return network
    devices = [group.device.index] if group.device.type == "cuda" else None
    replica = DistributedDataParallel(network, device_ids=devices)
    replica.broadcast_buffers = False  # not as an argument, which newer torch has renamed and warns of
    return replica


def gather(values: Tensor, dim: int) -> Tensor:
    """Join the tensors of all processes along `dim`; the gradient flows back to the process each came from."""
    if not distributed.is_initialized():
        return values
    gathered: tuple[Tensor, ...] = all_gather(values.contiguous())  # type: ignore[no-untyped-call]
    return torch.cat(gathered, dim)


def any_process(flag: bool, group: ProcessGroup) -> bool:
    """Return whether `flag` is set in at least one process, so that all do the same."""
    if group.size == 1:
        return flag
    votes = torch.tensor([float(flag)], device=group.device)
    distributed.all_reduce(votes, distributed.ReduceOp.MAX)
    return bool(votes.item())
