"""A package, so that pytest keeps the browser for all of it: `scope="package"` in conftest.py means this."""
