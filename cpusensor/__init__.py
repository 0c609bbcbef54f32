"""Records what a machine's CPU did, every few seconds, for years, and shows it."""

__version__ = "1.0.0"
