"""Run under torchrun: a network in stages, one a process, held against one process.

    torchrun --nproc-per-node 2 pipelined.py FILE

The stages are those of `cnnlang.stages`. A batch goes through them in parts; the mean gradients
must be those of one process that takes the parts one after another. Prints `equal` in each process.
"""

from __future__ import annotations

import sys

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.pipelining import ScheduleGPipe, SplitPoint, pipeline

import cnnlang

PARTS = 2


def main(path: str) -> None:
    dist.init_process_group("gloo")
    alone = loaded(path)
    (_, shape, _), *_ = alone.cnnlang_inputs  # type: ignore[union-attr, misc]
    parts = torch.randn(2 * PARTS, *shape, dtype=torch.float64).chunk(PARTS)
    for part in parts:
        (loss(alone(part), torch.zeros(())) / PARTS).backward()
    check(alone, staged(path, parts))
    print("equal")
    dist.barrier()
    dist.destroy_process_group()


def loaded(path: str) -> nn.Module:
    torch.manual_seed(0)
    return cnnlang.load(path, dtype=torch.float64)


def loss(output: Tensor, _: Tensor) -> Tensor:
    return output.square().mean()


def staged(path: str, parts: tuple[Tensor, ...]) -> nn.Module:
    """The stage of this process after the backward pass of one batch."""
    cuts = {part.begin: SplitPoint.BEGINNING for part in cnnlang.stages(path)[1:]}
    pipe = pipeline(loaded(path), (parts[0],), split_spec=cuts)
    stage = pipe.build_stage(dist.get_rank(), torch.device("cpu"))
    schedule = ScheduleGPipe(stage, PARTS, loss_fn=loss)
    if dist.get_rank():
        schedule.step(target=torch.zeros(2 * PARTS), losses=[])
    else:
        schedule.step(torch.cat(parts))
    return stage.submod


def check(alone: nn.Module, stage: nn.Module) -> None:
    wanted = dict(alone.named_parameters())
    assert 0 < len(list(stage.parameters())) < len(wanted)
    for name, found in stage.named_parameters():
        torch.testing.assert_close(found.grad, wanted[name].grad)
    buffers = dict(alone.named_buffers())
    for name, number in stage.named_buffers():
        torch.testing.assert_close(number, buffers[name])


if __name__ == "__main__":
    main(sys.argv[1])
