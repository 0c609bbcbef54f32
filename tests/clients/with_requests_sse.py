"""Reads the stream at the address given with requests-sse, which comes back by itself with the id that it reached."""

import sys

from requests_sse import EventSource

TIMEOUT_S = 60


def read_forever(url: str) -> None:
    """Print every event: its name, the id reached and its data, with tabs between."""
    with EventSource(url, timeout=TIMEOUT_S) as source:
        for event in source:
            print(event.type, event.last_event_id, event.data, sep="\t", flush=True)


if __name__ == "__main__":
    read_forever(sys.argv[1])
