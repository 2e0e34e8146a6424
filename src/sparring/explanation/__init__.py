"""Explanations of trained runs: what their networks look at."""
