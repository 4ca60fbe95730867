"""Train a network whose weights are spread over several devices (FSDP2), block by block.

    torchrun --nproc-per-node 2 examples/sharded.py zoo:resnet50 --size 3 224 224

Each process holds its part of every weight and takes its share of the batch; with DDP, as in
`train.py`, each holds all weights. Images are random; put your own in place of `images`.
"""

import argparse

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.nn.functional import cross_entropy

import cnnlang


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file")
    parser.add_argument("network", nargs="?")
    parser.add_argument("--size", type=int, nargs="+", default=[3, 224, 224], help="C H W")
    parser.add_argument("--batch", type=int, default=8, help="images in a step, of all processes")
    parser.add_argument("--steps", type=int, default=3)
    chosen = parser.parse_args()
    if not dist.is_torchelastic_launched():
        parser.error("start it with torchrun, as its help shows")
    cuda = torch.cuda.is_available()
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        place = ("cuda", dist.get_node_local_rank()) if cuda else ("cpu",)
        train(chosen, torch.device(*place))
        dist.barrier()  # nobody leaves while another still speaks
    except (cnnlang.CompileError, ValueError) as problem:
        raise SystemExit(f"error: {problem}") from None
    finally:
        dist.destroy_process_group()


def shard(model: nn.Module) -> nn.Module:
    """The model for all processes: every part with weights is gathered while it runs."""
    for child in model.children():
        if any(True for _ in child.parameters()):
            fully_shard(child)
    return fully_shard(model)


def train(chosen: argparse.Namespace, device: torch.device) -> None:
    """The steps of one process, on its share of the images."""
    rank, number = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)  # all processes begin with the same weights
    model = shard(cnnlang.load(chosen.file, chosen.network, device=device))
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    images = torch.rand(chosen.batch, *chosen.size).chunk(number)[rank].to(device)
    labels = torch.zeros(len(images), dtype=torch.long, device=device)
    for step in range(chosen.steps):
        loss = cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total = loss.detach().clone()
        dist.all_reduce(total)
        if rank == 0:
            print(f"step {step + 1}: loss {total / number:.4f}")


if __name__ == "__main__":
    main()
