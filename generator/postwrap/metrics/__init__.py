"""Figures for Prometheus: their names, where they come from, and their text form."""

from postwrap import STATE_DIRECTORY

STATE = f"{STATE_DIRECTORY}/metrics.state"
"""What is kept between runs; not one of the records, which are *.json in the same directory."""
