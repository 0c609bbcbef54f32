"""`server.py` as it is in a container, wherever it runs: `python -m tests.browser.container FLAGS`."""

import asyncio
import sys

from cpusensor.config.settings import load_settings
from cpusensor.http.app import create_app
from cpusensor.http.listening import listen
from cpusensor.http.serving import serve
from cpusensor.kernel.counters import SystemKernel
from cpusensor.kernel.mounts import Scope


class ContainedKernel(SystemKernel):
    """This machine's counters, seen from a container."""

    def scope(self) -> Scope:
        """The host's."""
        return Scope.HOST


def main() -> int:
    """Serve as server.py does."""
    settings = load_settings()
    with listen(settings) as listener:
        return asyncio.run(serve(create_app(settings, kernel=ContainedKernel()), listener))


if __name__ == "__main__":
    sys.exit(main())
