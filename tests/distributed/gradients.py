"""Run under torchrun: generated networks in several processes, held against one process.

    torchrun --nproc-per-node 2 gradients.py REPORT FILE:NETWORK...

Every network is trained as `ddp` and as `fsdp`: each process takes its share of one batch; the
mean gradients, and the weights after a step of SGD, must be those of one process with the whole
batch. REPORT becomes a JSON file with what differs, by the way and the network.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

import cnnlang

BATCH = 4


def main(report: str, *networks: str) -> None:
    cuda = torch.cuda.device_count() >= 2
    dist.init_process_group("nccl" if cuda else "gloo")
    device = torch.device("cuda", dist.get_rank()) if cuda else torch.device("cpu")
    found = {}
    for each in networks:
        path, _, name = each.rpartition(":")
        for way in ("ddp", "fsdp"):
            found[f"{way} {name}"] = difference(way, path, name, device)
            gc.collect()
    if dist.get_rank() == 0:
        Path(report).write_text(json.dumps(found))
    dist.barrier()
    dist.destroy_process_group()


def difference(way: str, path: str, network: str, device: torch.device) -> str:
    """What differs from one process; nothing if all is well."""
    alone, shared = (loaded(path, network, device) for _ in range(2))
    if way == "ddp":
        shared = DistributedDataParallel(shared)
    else:
        shard(shared)
    try:
        check(alone, shared, batch(alone, device))
    except AssertionError as problem:
        return str(problem)
    return ""


def loaded(path: str, network: str, device: torch.device) -> nn.Module:
    """The network with the same weights in every process; normalisation stands still."""
    torch.manual_seed(0)
    return cnnlang.load(path, network, dtype=torch.float64).to(device).eval()


def shard(module: nn.Module) -> None:
    """FSDP2 as its documentation has it: every part with children first, then the whole."""
    for child in module.children():
        if any(True for _ in child.parameters()):
            fully_shard(child)
    fully_shard(module)


def batch(module: nn.Module, device: torch.device) -> list[Tensor]:
    """One batch for all processes, of what the module says that it takes."""
    found = []
    for _, shape, dtype in module.cnnlang_inputs:  # type: ignore[union-attr, misc]
        sizes = [BATCH, *(n if isinstance(n, int) else 16 for n in shape)]
        whole = dtype == "int"
        found.append(torch.randint(0, 9, sizes) if whole else torch.randn(sizes).double())
    return [each.to(device) for each in found]


def check(alone: nn.Module, shared: nn.Module, inputs: list[Tensor]) -> None:
    step(alone, inputs)
    size = BATCH // dist.get_world_size()
    rank = dist.get_rank()
    step(shared, [each[rank * size : (rank + 1) * size] for each in inputs])
    wanted = dict(alone.named_parameters())
    for name, found in shared.named_parameters():
        one = wanted[name.removeprefix("module.")]
        torch.testing.assert_close(full(found.grad), one.grad, msg=told(name, "gradient"))
        torch.testing.assert_close(full(found.data), one.data, msg=told(name, "weight"))


def told(name: str, what: str) -> Callable[[str], str]:
    return lambda message: f"the {what} of {name} differs\n{message}"


def step(module: nn.Module, inputs: list[Tensor]) -> None:
    """A step of SGD on a loss that is a mean over the batch."""
    module(*inputs).square().mean().backward()
    torch.optim.SGD(module.parameters(), 0.1).step()


def full(tensor: Tensor | None) -> Tensor | None:
    """The whole of a tensor that may be in parts."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


if __name__ == "__main__":
    main(*sys.argv[1:])
