"""A drawn world with exact ground truth, and the small checkpoints that know it."""
