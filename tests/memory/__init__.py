"""Memory, measured in PyTorch beside what the compiler predicts."""
