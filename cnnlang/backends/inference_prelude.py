# mypy: ignore-errors
"""What generated networks for inference copy: how weights are changed, kept and packed.

Each function and class stands by itself, apart from others of this file that it names. The file is
laid out at 88 columns, as generated source is.
"""

import math

import torch
from torch import nn

conv = torch.ops.mkldnn._convolution_pointwise.default
conv_add = torch.ops.mkldnn._convolution_pointwise.binary
conv_add_ = torch.ops.mkldnn._convolution_pointwise_.binary
conv_transpose = torch.ops.mkldnn._convolution_transpose_pointwise.default


def taken(state, name, transposed=0):
    """Weight and bias of a layer in double precision, the filters on the first axis."""
    weight, bias = state[f"{name}.weight"].double(), state.get(f"{name}.bias")
    weight = turned(weight, transposed) if transposed else weight
    return weight, torch.zeros(()) if bias is None else bias.double()


def turned(weight, groups):
    """A weight with its first two axes exchanged in every group; twice is as before."""
    return weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)


def factor_and_offset(state, name, eps):
    """A norm with statistics of the past, as a factor and an offset for each channel."""
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    factor = torch.rsqrt(variance.double() + eps)
    if f"{name}.weight" in state:
        factor = factor * state[f"{name}.weight"].double()
    offset = -mean.double() * factor
    if f"{name}.bias" in state:
        offset = offset + state[f"{name}.bias"].double()
    return factor, offset


def normed(pair, state, name, eps):
    """Weight and bias with the norm behind them in them."""
    factor, offset = factor_and_offset(state, name, eps)
    return shifted(scaled(pair, factor), offset)


def scaled(pair, factor):
    """Weight and bias that give the result times a number, or one for each filter."""
    weight, bias = pair
    factor = torch.as_tensor(factor, dtype=weight.dtype, device=weight.device).flatten()
    return weight * factor.view(-1, *[1] * (weight.dim() - 1)), bias * factor


def shifted(pair, offset):
    """Weight and bias that give the result plus a number, or one for each filter."""
    weight, bias = pair
    offset = torch.as_tensor(offset, dtype=weight.dtype, device=weight.device)
    return weight, bias + offset.flatten()


def standardized(pair, eps):
    """Weight and bias of a convolution whose filters have mean 0 and variance 1."""
    weight, bias = pair
    axes = tuple(range(1, weight.dim()))
    variance, mean = torch.var_mean(weight, axes, correction=0, keepdim=True)
    return (weight - mean) / torch.sqrt(variance + eps), bias


def keep(found, name, pair, transposed=0):
    """Put weight and bias of a product among the weights for inference."""
    weight, bias = pair
    bias = bias.expand(weight.shape[0]).contiguous()
    weight = turned(weight, transposed) if transposed else weight
    found[f"{name}_weight"], found[f"{name}_bias"] = weight.contiguous(), bias


def keep_norm(found, name, state, source, eps, axes):
    """Put a norm among the weights for inference, for a map of so many axes."""
    factor, offset = factor_and_offset(state, source, eps)
    found[f"{name}_factor"] = factor.view(-1, *[1] * axes)
    found[f"{name}_offset"] = offset.view(-1, *[1] * axes)


def keep_all(found, name, state, source):
    """Put all weights of a module among those for inference."""
    found |= {
        name + key.removeprefix(source): value
        for key, value in state.items()
        if key == source or key.startswith(f"{source}.")
    }


class Inference(nn.Module):
    """A network for inference: its weights are buffers, and `plain` is what it runs with.

    `geometry` has stride, padding and so on of every product by its name.
    """

    geometry = {}
    plain = None
    dtype = None

    def hold(self, weights, dtype):
        """Take over the weights in a type of numbers, and where they are."""
        for name, value in weights.items():
            if "." not in name:
                self.register_buffer(name, value.clone())
        device = next((value.device for value in weights.values()), None)
        self.to(device=device, dtype=dtype)
        own = {name: value for name, value in weights.items() if "." in name}
        self.load_state_dict(own, strict=False)
        self.dtype = dtype
        super().train(False)

    def choose(self, *inputs):
        """Weight, bias and geometry of every product, as its operation takes them."""
        if self.plain is None:
            self.plain = {
                name: (
                    getattr(self, f"{name}_weight"),
                    getattr(self, f"{name}_bias"),
                    *geometry,
                )
                for name, geometry in self.geometry.items()
            }
        return self.plain

    def forget(self):
        """The weights are about to change."""
        self.plain = None

    def train(self, mode=True):
        """It cannot learn: norms are part of its weights."""
        if mode:
            raise RuntimeError("a network for inference cannot be trained")
        return super().train(False)

    def _apply(self, fn, recurse=True):
        """It stays where it was made for, in the type of numbers it was made for."""
        one = next(self.buffers(), torch.empty(0)).new_empty(0, dtype=self.dtype)
        moved = fn(one)
        if self.dtype and (moved.dtype, moved.device) != (one.dtype, one.device):
            raise RuntimeError(
                f"it was made for {one.dtype} on {one.device}: convert the network instead"
            )
        self.forget()
        return super()._apply(fn, recurse)

    def _load_from_state_dict(self, *args):
        self.forget()
        super()._load_from_state_dict(*args)

    def __getstate__(self):
        gone = ("plain", "packed", "sizes", "part", "runs", "pool")
        return {k: v for k, v in super().__getstate__().items() if k not in gone}


class Recorder(torch.overrides.TorchFunctionMode):
    """Notes the shape that every weight is applied to, and the bytes of all results."""

    def __init__(self):
        super().__init__()
        self.shapes = {}
        self.sizes = [0]

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(getattr(function, "_schema", None), "name", "")
        if name.startswith("mkldnn::"):
            x, *others = args[1:] if name.endswith("_") else args
            for each in others[:2]:
                if isinstance(each, torch.Tensor):
                    self.shapes[each.data_ptr()] = tuple(x.shape)
        result = function(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.sizes.append(result.nbytes)
        return result

    def part(self, batch, weights):
        """The samples that should run at once: few, if maps are larger than weights."""
        few = PART * batch // max(1, *self.sizes)
        worth = weights * batch // max(1, sum(self.sizes))
        return max(1, few, worth, torch.get_num_threads())

    def scale(self, part, batch):
        """Make the shapes those for a part of the batch."""
        for key, (first, *rest) in self.shapes.items():
            self.shapes[key] = (max(1, first * part // batch), *rest)


PART = 2**25 - 2**12
"""Bytes of the largest result: glibc hands out a block of 32 MiB and more as new pages."""


class PackedInference(Inference):
    """A network for inference on a CPU, whose weights are also kept as oneDNN reads them.

    How it reads them fastest depends on the size of the maps: they are packed for the size
    that is seen first, and inputs of other sizes run with the plain weights.
    """

    packed = None
    sizes = None
    part = None

    def shortcut(self, *inputs):
        """The result of a large batch, which runs in parts: their maps stay near."""
        batches = {x.shape[:1] for x in inputs}
        whole = self.part is None or self.sizes != extents(inputs)
        if whole or len(batches) != 1 or min(batches) <= (self.part,):
            return None
        parts = zip(*(x.split(self.part) for x in inputs), strict=True)
        found = [self.forward(*each) for each in parts]
        if isinstance(found[0], tuple):
            return tuple(map(torch.cat, zip(*found, strict=True)))
        return torch.cat(found)

    def choose(self, *inputs):
        """Weight, bias and geometry of every product, as its operation takes them."""
        if self.sizes is None and len(inputs[0]):
            self.prepare(*inputs)
        return self.packed if self.sizes == extents(inputs) else super().choose()

    def prepare(self, *inputs):
        """Pack the weights for the size of some inputs, and set how many run at once."""
        self.sizes, self.packed = extents(inputs), super().choose()
        try:
            with Recorder() as recorder:
                self.forward(*inputs)
        except BaseException:
            self.packed = self.sizes = None
            raise
        batch, weights = len(inputs[0]), sum(each.nbytes for each in self.buffers())
        self.part = recorder.part(batch, weights)
        recorder.scale(min(self.part, batch), batch)
        rows = zip(self.packed.items(), self.geometry.values(), strict=True)
        self.packed = {
            name: (pack(weight, geometry, recorder.shapes), *rest)
            for (name, (weight, *rest)), geometry in rows
        }

    def forget(self):
        """The weights are about to change."""
        super().forget()
        self.packed = self.sizes = self.part = None


def extents(inputs):
    """Height and width of every input."""
    return [x.shape[2:] for x in inputs]


def linear(x, weight, bias, activation, numbers, way):
    """An activation of a product, by BLAS where that is faster, else in one kernel."""
    if activation not in BLAS or weight.is_mkldnn or not by_blas(x.shape, weight):
        onednn = torch.ops.mkldnn._linear_pointwise.default
        return onednn(x, weight, bias, activation, numbers, way)
    return BLAS[activation](torch.addmm(bias, x, weight.t()))


BLAS = {
    "none": lambda y: y,
    "relu": torch.relu_,
    "sigmoid": torch.sigmoid_,
    "tanh": torch.tanh_,
}


def by_blas(shape, weight):
    """True for a product that BLAS has done before oneDNN begins.

    It is one of one or two rows, or with up to two million weights.
    """
    few = shape[0] <= 2 or weight.numel() <= 2**21
    return few and len(shape) == 2 and weight.dtype == torch.float32


def pack(weight, geometry, shapes):
    """A weight as its operation reads it fastest where its input has a shape."""
    shape, onednn = shapes.get(weight.data_ptr()), torch.ops.mkldnn
    if shape is None or weight.dim() not in (2, 4):
        return weight
    if not geometry:
        return onednn._reorder_linear_weight(weight, math.prod(shape[:-1]))
    if len(geometry) == 4:
        return onednn._reorder_convolution_weight(weight, *geometry, shape)
    return onednn._reorder_convolution_transpose_weight(weight, *geometry, shape)


class GraphedInference(Inference):
    """A network for inference on a CUDA device, which can record runs and replay them.

    A replayed run is one launch in place of one for each kernel, which pays for small
    batches. Recorded runs share memory: they are not for several threads or streams.
    """

    runs = None
    pool = None

    def shortcut(self, *inputs):
        """The result of a recorded run, if there is one for such inputs."""
        run = self.runs.get(signature(inputs)) if self.runs else None
        return None if run is None else run(*inputs)

    @torch.inference_mode(False)
    @torch.no_grad()
    def record(self, *inputs):
        """Record a run as a CUDA graph, for all inputs of the shapes and types of these.

        It holds until weights are loaded anew. The module is returned.
        """
        if not inputs:
            raise TypeError("record takes the inputs of a call")
        autocast = torch.autocast("cuda", enabled=False)
        with torch.cuda.device(inputs[0].device), autocast:
            self.pool = self.pool or torch.cuda.graph_pool_handle()
            (self.runs or {}).pop(signature(inputs), None)
            run = Run(self.forward, inputs, self.pool)
        self.runs = {**(self.runs or {}), signature(inputs): run}
        return self

    def forget(self):
        """The weights are about to change."""
        super().forget()
        self.runs = self.pool = None


def signature(inputs):
    """What must be alike in the inputs of a recorded run."""
    return tuple((x.shape, x.dtype, x.device) for x in inputs)


class Run:
    """A call recorded as a CUDA graph; it gives outputs of their own."""

    def __init__(self, function, inputs, pool):
        self.inputs = [torch.empty_like(x).copy_(x) for x in inputs]
        self.graph = torch.cuda.CUDAGraph()
        aside, current = torch.cuda.Stream(), torch.cuda.current_stream()
        aside.wait_stream(current)
        with torch.cuda.stream(aside):
            for _ in range(3):  # kernels are chosen before anything is recorded
                function(*self.inputs)
        current.wait_stream(aside)
        with torch.cuda.graph(self.graph, pool=pool):
            self.outputs = function(*self.inputs)

    @torch.no_grad()
    def __call__(self, *inputs):
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given)
        self.graph.replay()
        if isinstance(self.outputs, tuple):
            return tuple(each.clone() for each in self.outputs)
        return self.outputs.clone()


def conv_relu(x, weight, bias, stride, padding, dilation, groups):
    """ReLU of a convolution, in one kernel."""
    return torch.cudnn_convolution_relu(
        x, weight, bias, stride, padding, dilation, groups
    )


def conv_add_relu(x, other, weight, bias, stride, padding, dilation, groups):
    """ReLU of a convolution plus another tensor, in one kernel."""
    return torch.cudnn_convolution_add_relu(
        x, weight, other, 1.0, bias, stride, padding, dilation, groups
    )
