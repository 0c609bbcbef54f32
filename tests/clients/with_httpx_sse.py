"""Reads the stream at the address given with httpx-sse, whose caller resumes, as its README shows."""

import itertools
import sys
import time

import httpx
from httpx_sse import connect_sse

TIMEOUT_S = 60


def read_forever(url: str) -> None:
    """Print every event: its name, the id reached and its data, with tabs between."""
    last_id, delay_s = "", 1.0
    with httpx.Client(timeout=TIMEOUT_S) as client:
        for attempt in itertools.count():
            time.sleep(delay_s if attempt else 0)
            headers = {"Last-Event-ID": last_id} if last_id else {}
            try:
                with connect_sse(client, "GET", url, headers=headers) as source:
                    for event in source.iter_sse():
                        last_id = event.id or last_id
                        delay_s = delay_s if event.retry is None else event.retry / 1000
                        print(event.event, event.id, event.data, sep="\t", flush=True)
            except httpx.TransportError as error:
                print(error, file=sys.stderr)


if __name__ == "__main__":
    read_forever(sys.argv[1])
