"""`python -m tests.benchmarks.inference [NAME ...]`: networks for inference beside their peers.

All hold the same weights and see the same images, on one core, and take turns. A cell is the
median of the ratios of CPU time, eager PyTorch's to theirs: above 1 is faster than eager. Behind it
are the interval of the median, the number of rounds, and the CPU time that getting ready took.
OpenVINO and onnxruntime take part where they are installed (`pip install openvino onnxruntime
onnxscript`), `torch.compile` with `--compile`. `--faults` counts instead the pages of memory that
the system hands out in a run of ours, alone and warm: above 0, results would better keep theirs.
With `--without`, ours takes part without a pass as well.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

import cnnlang
from cnnlang.backends.inference.passes import PASSES
from tests.benchmarks.pairs import headed, printed, ratios, shown
from tests.benchmarks.processes import machine

NETWORKS = (
    *("resnet18", "resnet50", "mobilenet_v2", "googlenet", "densenet121"),
    *("efficientnet_b0", "convnext_tiny", "vgg16", "lenet5"),
)
RUNS = 10
Run = Callable[[], Any]
Ready = Callable[[nn.Module, Tensor], Run]


def optimized(dtype: torch.dtype, without: Sequence[str] = ()) -> Ready:
    def ready(model: nn.Module, x: Tensor) -> Run:
        fast = cnnlang.optimize(model, dtype=dtype, example=x, without=without)
        return lambda: fast(x)

    return ready


def eager(model: nn.Module, x: Tensor) -> Run:
    return lambda: model(x)


def bf16(model: nn.Module, x: Tensor) -> Run:
    """Autocast, channels last: what a user would do by hand."""
    other, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return other(x)

    return run


def compiled(model: nn.Module, x: Tensor) -> Run:
    from torch._inductor import config

    config.freezing = True
    fast = torch.compile(model, mode="max-autotune")
    fast(x)
    return lambda: fast(x)


def openvino(hint: str) -> Ready:
    def ready(model: nn.Module, x: Tensor) -> Run:
        import openvino as ov

        converted = ov.convert_model(model, example_input=x)
        converted.reshape(list(x.shape))
        options = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": hint}
        request = ov.Core().compile_model(converted, "CPU", options).create_infer_request()
        array = x.numpy()
        return lambda: request.infer([array], share_inputs=True, share_outputs=True)

    return ready


def onnxruntime(model: nn.Module, x: Tensor) -> Run:
    import onnxruntime as ort

    file = io.BytesIO()
    torch.onnx.export(model, (x,), file, dynamo=True, external_data=False, verbose=False)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    name, array = session.get_inputs()[0].name, x.numpy()
    return lambda: session.run(None, {name: array})


def contestants(chosen: argparse.Namespace) -> Iterator[tuple[str, Ready]]:
    """Who takes part, by name."""
    yield "cnnlang float32", optimized(torch.float32)
    for name in chosen.without:
        yield f"without {name}", optimized(torch.float32, (name,))
    if chosen.compile:
        yield "torch.compile, freezing", compiled
    if importlib.util.find_spec("onnxruntime"):
        yield "onnxruntime", onnxruntime
    if importlib.util.find_spec("openvino"):
        yield "OpenVINO float32", openvino("f32")
    if chosen.float32:
        return
    yield "cnnlang bf16", optimized(torch.bfloat16)
    yield "eager bf16", bf16
    if importlib.util.find_spec("openvino"):
        yield "OpenVINO bf16", openvino("bf16")


def subject(name: str, chosen: argparse.Namespace) -> tuple[nn.Module, Tensor]:
    """A network and its images."""
    torch.manual_seed(0)
    model = cnnlang.load(f"zoo:{name}").eval()
    _, shape, _ = model.cnnlang_inputs[0]  # type: ignore[index, misc, has-type]
    sizes = [size if isinstance(size, int) else chosen.size for size in shape]
    return model, torch.rand(chosen.batch, *sizes)


def faults(name: str, chosen: argparse.Namespace) -> float:
    """Page faults of a run of the network for inference, when nothing else runs."""
    work = optimized(torch.float32)(*subject(name, chosen))
    for _ in range(RUNS):
        work()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(RUNS):
        work()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / RUNS


def row(name: str, chosen: argparse.Namespace) -> list[str]:
    """The cells of one network."""
    model, x = subject(name, chosen)
    cells = []
    with torch.no_grad():
        for _, ready in contestants(chosen):
            start = time.process_time()
            work = ready(cnnlang.load(f"zoo:{name}", weights=model.state_dict()).eval(), x)
            prepared = time.process_time() - start
            plain = eager(model, x)
            plain(), work()
            found = shown(ratios(plain, work, chosen.seconds))
            cells.append(f"{found}, {prepared:.1f} s")
    return cells


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a network of the library")
    parser.add_argument("--seconds", type=float, default=5.0, help="that each cell may take")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--size", type=int, default=224, help="side of the images")
    parser.add_argument("--float32", action="store_true", help="nobody in bf16")
    parser.add_argument("--without", nargs="+", default=(), choices=PASSES, metavar="PASS")
    parser.add_argument("--compile", action="store_true", help="torch.compile too: minutes")
    parser.add_argument("--faults", action="store_true", help="count pages of fresh memory")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"{machine()}; batch {chosen.batch}, side {chosen.size}\n")
    heads = ["page faults a run"] if chosen.faults else [name for name, _ in contestants(chosen)]
    headed(["network", *heads])
    for name in chosen.names or NETWORKS:
        printed([name, *([f"{faults(name, chosen):g}"] if chosen.faults else row(name, chosen))])
    return 0


if __name__ == "__main__":
    sys.exit(main())
