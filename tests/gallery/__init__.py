"""The gallery of `examples/`: the networks, plain PyTorch beside them, and the page about them."""
