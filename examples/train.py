"""Train an image classifier that is written in a `.cnn` file, on Fashion-MNIST.

    apt-get install dataset-fashion-mnist              # or --data DIR with the four IDX files
    python examples/train.py examples/lenet5.cnn
    python examples/train.py examples/resnet.cnn ResNet18 --set classes=10 --bf16 --epochs 5
    python examples/train.py examples/lenet5.cnn --checkpoint lenet5.pt --save-every 100
    torchrun --nproc-per-node 2 examples/train.py examples/lenet5.cnn --device cpu

The images are padded to the size that the network declares; a free size (`input 1xHxW`) takes them
as they are, 28x28. With `--checkpoint`, a killed run goes on when its command is given again, and
on the CPU ends with the very weights of an uninterrupted one; Ctrl-C and SIGTERM save first. The
gradient of several processes is that of one (but each process's batchnorm sees its own share).
Exit codes: 1 a file or the network is wrong, 2 the command is, 128 + signal when stopped.
"""

import copy
import gzip
import json
import math
import os
import signal
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from pickle import UnpicklingError
from types import SimpleNamespace
from typing import Any, NamedTuple

import click
import torch
import torch.distributed as dist
from click import ClickException, UsageError
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import OneCycleLR

import cnnlang

Images = tuple[Tensor, Tensor]  # pixels [n, height, width] from 0 to 255, class numbers [n]
CLASSES = 10
STATEFUL = ("model", "optimizer", "schedule")  # what a checkpoint keeps of a run
MEAN, STD = 0.2860, 0.3530  # of the training images, with pixels from 0 to 1
OPTIMIZERS: dict[str, tuple[float, Callable[..., torch.optim.Optimizer]]] = {
    "sgd": (0.05, partial(torch.optim.SGD, momentum=0.9, weight_decay=5e-4)),
    "adamw": (0.002, torch.optim.AdamW),
}


def load_images(folder: Path, split: str, limit: int | None, device: torch.device) -> Images:
    """Read the `train` or the `t10k` files."""
    pixels = read_idx(folder, f"{split}-images-idx3-ubyte", 3)
    labels = read_idx(folder, f"{split}-labels-idx1-ubyte", 1)
    if not 0 < len(pixels) == len(labels):
        raise ClickException(f"{folder}/{split}-*: {len(pixels)} images but {len(labels)} labels")
    if len(wrong := (labels >= CLASSES).nonzero()):
        found = f"label {int(labels[wrong[0]])} at byte {8 + int(wrong[0])}"
        raise ClickException(f"{folder}/{split}-labels-*: {found}, expected 0 to 9")
    return pixels[:limit].to(device), labels[:limit].to(device, torch.long)


def read_idx(folder: Path, name: str, rank: int) -> Tensor:
    """Read an IDX file: two zeros, type 8 (bytes), the rank, big-endian sizes, then the bytes."""
    path = next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
    if not path:
        mend = "run `apt-get install dataset-fashion-mnist`, or name another folder by --data DIR"
        raise UsageError(f"no {name}[.gz] in {folder}: {mend}")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ClickException(f"{path} cannot be read: {error}") from error
    magic, start = bytes((0, 0, 8, rank)), 4 + 4 * rank
    if content[:4] != magic:
        found = content[:4].hex(" ") or "nothing"
        raise ClickException(f"{path}, byte 0: expected {magic.hex(' ')} (IDX), found {found}")
    sizes = [int.from_bytes(content[at : at + 4]) for at in range(4, start, 4)]
    if len(content) != start + math.prod(sizes):
        found = f"{start + math.prod(sizes)} bytes, the file holds {len(content)}"
        raise ClickException(f"{path}: its header promises {show(sizes)}, so {found}")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start).view(sizes)


def show(shape: Any) -> str:
    """Write a shape as the language does."""
    return "x".join(map(str, shape))


def fit(model: nn.Module, size: torch.Size) -> Callable[[Tensor], Tensor]:
    """Give the function that turns images of this size into the input that the network declares."""
    inputs: Any = model.cnnlang_inputs
    if len(inputs) != 1 or len(inputs[0][1]) != 3 or inputs[0][2] != "float":
        found = ", ".join(f"`{name}: {show(shape)} of {kind}`" for name, shape, kind in inputs)
        raise ClickException(f"images need one input 1xHxW or 3xHxW, the network has {found}")
    declared = inputs[0][1]
    channels = 1 if isinstance(declared[0], str) else declared[0]
    spare = [0 if isinstance(d, str) else d - s for d, s in zip(declared[1:], size, strict=True)]
    if channels not in (1, 3) or min(spare) < 0:
        raise ClickException(f"images of 1x{show(size)} do not fit the input of {show(declared)}")
    (top, bottom), (left, right) = ((s // 2, s - s // 2) for s in spare)

    def prepare(pixels: Tensor) -> Tensor:
        padded = pad(pixels, (left, right, top, bottom)).unsqueeze(1)
        return ((padded.float() / 255 - MEAN) / STD).expand(-1, channels, -1, -1)

    return prepare


def check_outputs(model: nn.Module, sample: Tensor) -> None:
    """Run images through a copy, in both modes: every output must be a vector of logits."""
    probe, size = copy.deepcopy(model), show(sample.shape[1:])
    try:
        with torch.no_grad():
            outputs = heads(probe.train()(sample)) + heads(probe.eval()(sample))
    except (ValueError, RuntimeError) as error:
        raise ClickException(f"the network takes no images of {size}: {error}") from error
    for shape in (output.shape[1:] for output in outputs):
        if len(shape) != 1 or shape[0] < CLASSES:
            raise ClickException(
                f"the network's output is {show(shape)}, expected 10 logits or more"
            )


def heads(output: Any) -> tuple[Tensor, ...]:
    """Give the outputs of a network, the classifier's first."""
    return output if isinstance(output, tuple) else (output,)


class Team(NamedTuple):
    """The processes that train together, seen from one of them."""

    rank: int
    size: int
    device: torch.device
    signals: list[int]  # those that asked this process to stop

    def gather(self, value: Any) -> list[Any]:
        """Collect the values of all processes, in all processes."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
        return values

    def agree(self, work: Callable[[], Any]) -> Any:
        """Let the first process do `work`; its result, or its failure, is that of all."""
        try:
            outcome = work() if self.rank == 0 else None
        except ClickException as failure:
            outcome = failure
        if isinstance(outcome := self.gather(outcome)[0], ClickException):
            raise outcome
        return outcome

    def say(self, text: str, passing: bool = False) -> None:
        """Print a line, once for all processes; a passing one on a terminal only."""
        terminal = sys.stdout.isatty()
        if self.rank == 0 and (terminal or not passing):
            click.echo(f"\r\033[K{text}" if terminal else text, nl=not passing)


@contextmanager
def join(device: str) -> Iterator[Team]:
    """Join the processes that torchrun started, if it did, and leave them at the end."""
    rank, local = (int(os.environ.get(name, "0")) for name in ("RANK", "LOCAL_RANK"))
    size, beside = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    gpus = 0 if device == "cpu" else torch.cuda.device_count()
    team = Team(rank, size, torch.device("cuda", local) if gpus else torch.device("cpu"), [])
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda number, _: team.signals.append(number))
    if size > 1:
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo")
    try:
        if gpus < beside and (gpus or device == "cuda"):
            raise UsageError(f"--device {device}: {gpus} GPUs found for {beside} process(es) here")
        if gpus:
            torch.cuda.set_device(team.device)
        yield team
        if size > 1:
            dist.barrier()  # nobody leaves while another still speaks
    except ClickException as failure:
        if rank == 0:
            raise
        sys.exit(failure.exit_code)  # the first process has said why
    finally:
        if size > 1:
            dist.destroy_process_group()


class Run:
    """A training run: what a checkpoint brings back, and the steps between."""

    def __init__(self, options: SimpleNamespace, team: Team) -> None:
        self.options, self.team, data, device = options, team, options.data, team.device
        self.pixels, self.labels = load_images(data, "train", options.train_limit, device)
        self.tests = load_images(data, "t10k", options.test_limit, device)
        self.steps = len(self.labels) // options.batch  # the images left over differ by the epoch
        if options.batch % team.size or not self.steps:
            found = f"{len(self.labels)} training images over {team.size} process(es)"
            raise UsageError(f"--batch {options.batch} does not split {found}")
        torch.manual_seed(options.seed)
        network, params = (options.file, options.network), dict(options.params)
        try:
            self.source = cnnlang.build(*network, **params)
            self.model = cnnlang.load(*network, device=device, **params)
        except (cnnlang.CompileError, TypeError) as error:
            raise ClickException(f"{options.file}: {str(error).strip()}") from error
        self.prepare = fit(self.model, self.pixels.shape[1:])
        check_outputs(self.model, self.prepare(self.pixels[:2]))
        if options.compile:
            self.model.compile()
        self.parallel = self.model if team.size == 1 else DistributedDataParallel(self.model)
        self.precision = torch.autocast(device.type, torch.bfloat16, enabled=options.bf16)
        default, optimizer = OPTIMIZERS[options.optimizer]
        rate = options.lr or default
        self.optimizer = optimizer(self.model.parameters(), rate)
        self.schedule = OneCycleLR(self.optimizer, rate, self.steps * options.epochs)
        self.epoch, self.step, self.shown = 0, 0, 0.0
        self.loss = torch.zeros((), device=device)
        torch.manual_seed(options.seed + 1 + team.rank)  # dropout differs between the processes

    def train(self) -> None:
        """Train to the end, or to the signal that stops the run."""
        self.resume()
        while self.epoch < self.options.epochs:
            start = time.monotonic()
            self.train_epoch()
            self.report(start)
            self.epoch, self.step = self.epoch + 1, 0
            self.loss.zero_()
            self.save()

    def train_epoch(self) -> None:
        """Take the steps that are left of this epoch, in the order that its number gives."""
        self.model.train()
        dice = torch.Generator().manual_seed(self.options.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.labels), generator=dice).to(self.team.device)
        while self.step < self.steps:
            batch = order[self.step * self.options.batch :][: self.options.batch]
            self.update(batch.chunk(self.team.size)[self.team.rank])
            self.step += 1
            self.progress()
            self.stop_if_asked()
            if self.options.save_every and self.step % self.options.save_every == 0:
                self.save()

    def update(self, chosen: Tensor) -> None:
        """Learn from the chosen images, this process's share of a batch."""
        with self.precision:
            outputs = heads(self.parallel(self.prepare(self.pixels[chosen])))
        first, *others = (cross_entropy(out.float(), self.labels[chosen]) for out in outputs)
        loss = first + 0.3 * sum(others)  # heads for the training only weigh as in GoogLeNet
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.loss += loss.detach()

    def progress(self) -> None:
        """Show the step on a terminal, five times a second."""
        if time.monotonic() > self.shown + 0.2:
            self.shown, loss = time.monotonic(), float(self.loss) / self.step
            self.team.say(f"step {self.step} of {self.steps}, loss {loss:.4f}", passing=True)

    @torch.no_grad()
    def report(self, start: float) -> None:
        """Print the loss of this epoch, and the share of the test images classified rightly."""
        self.model.eval()
        for buffer in self.model.buffers() if self.team.size > 1 else ():
            dist.broadcast(buffer, 0)  # each process's batchnorm has seen other images
        right = torch.zeros((), device=self.team.device)
        mine = torch.arange(self.team.rank, len(self.tests[1]), self.team.size)
        for chosen in mine.to(self.team.device).split(self.options.batch):
            with self.precision:
                logits = heads(self.model(self.prepare(self.tests[0][chosen])))[0]
            right += (logits.argmax(1) == self.tests[1][chosen]).sum()
        loss = sum(self.team.gather(float(self.loss))) / self.team.size / self.steps
        hits, tested = int(sum(self.team.gather(float(right)))), len(self.tests[1])
        self.team.say(
            f"epoch {self.epoch + 1}/{self.options.epochs}: loss {loss:.4f}, test accuracy "
            f"{100 * hits / tested:.2f} % ({hits} of {tested}), {time.monotonic() - start:.1f} s"
        )

    def stop_if_asked(self) -> None:
        """Save and leave, all processes after the same step, when one of them got a signal."""
        asked = torch.tensor(max(self.team.signals, default=0))
        if self.team.size > 1:
            dist.all_reduce(asked, dist.ReduceOp.MAX)
        if asked:
            self.save()
            kept = f"saved in {path}" if (path := self.options.checkpoint) else "nothing saved"
            self.team.say(f"stopped in epoch {self.epoch + 1} after step {self.step}, {kept}")
            sys.exit(128 + int(asked))

    @cached_property
    def settings(self) -> dict[str, str]:
        """Name all that decides the weights: a checkpoint is taken up under the same alone."""
        free = {"file", "data", "device", "test_limit", "checkpoint", "save_every", "restart"}
        chosen = {n: str(v) for n, v in vars(self.options).items() if n not in free}
        return chosen | {
            "processes": f"{self.team.size} on {self.team.device.type}",
            "checksum of the network": str(zlib.crc32(self.source.encode())),
            "checksum of the images": str(zlib.crc32(self.pixels.cpu().numpy().tobytes())),
        }

    def save(self) -> None:
        """Write all that the next step depends on."""
        if path := self.options.checkpoint:
            gpu_dice = torch.cuda.get_rng_state() if self.team.device.type == "cuda" else None
            state = {
                "settings": self.settings,
                "position": [self.epoch, self.step],
                **{name: getattr(self, name).state_dict() for name in STATEFUL},
                "processes": self.team.gather([float(self.loss), torch.get_rng_state(), gpu_dice]),
            }
            self.team.agree(lambda: write_checkpoint(path, state))

    def resume(self) -> None:
        """Go on from the checkpoint, or write the first one: a path that is no good shows early."""
        path, team = self.options.checkpoint, self.team
        if not path or self.options.restart or not team.agree(path.exists):
            self.save()
            return
        state = team.agree(lambda: read_checkpoint(path, self.settings))
        self.epoch, self.step = state["position"]
        for name in STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        loss, dice, gpu_dice = state["processes"][team.rank]
        self.loss.fill_(loss)
        torch.set_rng_state(dice)
        if gpu_dice is not None:
            torch.cuda.set_rng_state(gpu_dice)
        team.say(f"{path}: going on after {self.epoch} epochs and {self.step} steps")


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that the file is whole at every moment: the old one or the new."""
    unfinished = path.with_name(f"{path.name}.tmp")
    try:
        torch.save(state, unfinished)
        unfinished.replace(path)
    except (OSError, RuntimeError) as error:
        raise ClickException(f"the checkpoint cannot be written: {error}") from error


def read_checkpoint(path: Path, settings: dict[str, str]) -> dict[str, Any]:
    """Read a checkpoint of a run with the same settings."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        then = state["settings"]
    except (OSError, RuntimeError, EOFError, LookupError, TypeError, UnpicklingError) as error:
        raise ClickException(f"{path} is no checkpoint of this script") from error
    other = [f"{n} was {then.get(n)}, now {v}" for n, v in settings.items() if then.get(n) != v]
    if other:
        mend = "repeat its options, name another file, or write over it with --restart"
        raise UsageError(f"{path} is of another run ({'; '.join(other)}): {mend}")
    return state


def parse_param(text: str) -> tuple[str, Any]:
    """Read `name=value`; the value is JSON (`10`, `0.5`, `true`, `[3, 4, 6, 3]`) or a word."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text} is not like classes=10")
    with suppress(json.JSONDecodeError):
        value = json.loads(value)
    return name, value


DEBIAN = "/usr/share/datasets/fashion-mnist"
FILE, COUNT = click.Path(dir_okay=False, path_type=Path), click.IntRange(min=1)


@click.command(context_settings={"show_default": True})
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("network", required=False)
@click.option("--data", type=click.Path(path_type=Path), default=DEBIAN, help="Folder.")
@click.option("--epochs", type=COUNT, default=2)
@click.option("--batch", type=COUNT, default=64, help="Images a step, over all processes.")
@click.option("--lr", type=click.FloatRange(0, min_open=True), help="[sgd: 0.05, adamw: 0.002]")
@click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), default="sgd")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto")
@click.option("--bf16", is_flag=True, help="Compute in bfloat16 where that is safe.")
@click.option("--seed", type=click.IntRange(0, 2**32), default=0)
@click.option("--train-limit", type=COUNT, help="Train on the first N images.")
@click.option("--test-limit", type=COUNT, help="Test on the first N images.")
@click.option("--checkpoint", type=FILE, help="Written at each epoch's end; goes on from it.")
@click.option("--save-every", type=COUNT, help="Write the checkpoint every N steps as well.")
@click.option("--restart", is_flag=True, help="Do not go on from the checkpoint.")
@click.option("--set", "params", type=parse_param, multiple=True, metavar="NAME=VALUE")
@click.option("--compile", is_flag=True, help="Speed up with torch.compile.")
def main(**options: Any) -> None:
    """Train the classifier NETWORK of FILE on Fashion-MNIST."""
    with join(options["device"]) as team:
        Run(SimpleNamespace(**options), team).train()


if __name__ == "__main__":
    main()
