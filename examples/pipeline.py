"""Train a network in stages, each on a device of its own, by PyTorch's own pipelining.

    torchrun --nproc-per-node 2 examples/pipeline.py zoo:resnet50 --size 3 224 224
    torchrun --nproc-per-node 2 examples/pipeline.py examples/resnet.cnn ResNet18 --size 3 64 64

`cnnlang.stages` chooses where it is cut, from its file alone: at block boundaries, so that the
stages have about the same work and memory. Images are random; put your own in place of `images`.
"""

import argparse

import torch
import torch.distributed as dist
from torch.distributed.pipelining import Schedule1F1B, SplitPoint, pipeline
from torch.nn.functional import cross_entropy

import cnnlang


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file")
    parser.add_argument("network", nargs="?")
    parser.add_argument("--size", type=int, nargs="+", default=[3, 224, 224], help="C H W")
    parser.add_argument("--batch", type=int, default=8, help="images in a step")
    parser.add_argument("--parts", type=int, default=4, help="into which a batch is divided")
    parser.add_argument("--steps", type=int, default=3)
    chosen = parser.parse_args()
    if not dist.is_torchelastic_launched():
        parser.error("start it with torchrun, as its help shows")
    if chosen.batch % chosen.parts:
        parser.error(f"--batch {chosen.batch} does not divide into --parts {chosen.parts}")
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


def train(chosen: argparse.Namespace, device: torch.device) -> None:
    """The steps of one process: the first one feeds the images in, the last one has the losses."""
    rank, number = dist.get_rank(), dist.get_world_size()
    each = chosen.batch // chosen.parts
    parts = cnnlang.stages(chosen.file, chosen.network, number, batch=each, shapes={0: chosen.size})
    torch.manual_seed(0)  # all processes begin with the same weights
    model = cnnlang.load(chosen.file, chosen.network)
    images = torch.rand(chosen.batch, *chosen.size)
    cuts = {part.begin: SplitPoint.BEGINNING for part in parts[1:]}
    stage = pipeline(model, (images[:each],), split_spec=cuts).build_stage(rank, device)
    schedule = Schedule1F1B(stage, chosen.parts, loss_fn=cross_entropy)
    optimizer = torch.optim.SGD(stage.submod.parameters(), 0.01, momentum=0.9)
    labels = torch.zeros(chosen.batch, dtype=torch.long, device=device)
    print(f"stage {rank} from {parts[rank].begin or 'the input'}: {parts[rank].macs:,} MACs")
    for step in range(chosen.steps):
        losses: list[torch.Tensor] = []
        optimizer.zero_grad()
        schedule.step(
            *([images.to(device)] if rank == 0 else []),
            **({"target": labels, "losses": losses} if rank == number - 1 else {}),
        )
        optimizer.step()
        if losses:
            print(f"step {step + 1}: loss {torch.stack(losses).mean():.4f}")


if __name__ == "__main__":
    main()
