"""`python -m cpusensor.check FILE`."""

import sys

from cpusensor.check.command import main

sys.exit(main())
