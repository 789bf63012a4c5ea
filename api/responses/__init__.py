"""Answers: batches of features and documents in, bytes of each representation out."""
