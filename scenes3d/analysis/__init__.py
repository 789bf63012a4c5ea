"""Questions to terrain and buildings, answered with numbers: pure functions over arrays of a local metric frame."""
