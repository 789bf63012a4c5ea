"""Compiled kernels over the arrays of a snapshot."""
