"""The standard library against torchvision."""
