"""Quantities measured on networks and on Runs, one file per quantity."""
