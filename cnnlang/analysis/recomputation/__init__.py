"""Which parts of a training step are recomputed, and what that takes of memory."""
