"""Hooks, cadence and overhead budget: readings become a Trace."""
