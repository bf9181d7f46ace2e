"""Embedded and file data sets, and batching in memory."""
