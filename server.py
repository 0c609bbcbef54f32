"""The door of a checkout, where nothing is installed: the command `cpusensor`."""

import sys

try:
    from cpusensor.__main__ import main
except ModuleNotFoundError as error:
    sys.exit(f"cpusensor: {error.name} is not installed; make run (or pip install .) brings what it needs")

if __name__ == "__main__":
    sys.exit(main())
