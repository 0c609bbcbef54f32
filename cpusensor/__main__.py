"""The command: settings -> application -> served. `cpusensor`, `python -m cpusensor`, or `python server.py`."""

import asyncio
import sys

from cpusensor.config.settings import SettingsError, load_settings
from cpusensor.http.app import create_app
from cpusensor.http.listening import ListenError, listen
from cpusensor.http.serving import serve
from cpusensor.logs import configure_logging, report_refusal
from cpusensor.outlets.remote_write import MissingError
from cpusensor.store.file import StorageError


def main() -> int:
    """Run the service; the exit status is 2 for a bad setting, 1 for what kept it from serving, 0 for a clean end."""
    try:
        settings = load_settings()
    except SettingsError as error:
        report_refusal(error)
        return 2
    configure_logging(settings.log_format)
    try:
        with listen(settings) as listener:
            return asyncio.run(serve(create_app(settings), listener))
    except (StorageError, ListenError, MissingError) as error:
        report_refusal(error, settings.log_format)
        return 1


if __name__ == "__main__":
    sys.exit(main())
