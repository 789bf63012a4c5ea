"""File formats in and out, one file each: features as columnar batches on our side."""
