"""Reads the stream at the address given with requests and sseclient-py, whose caller resumes."""

import itertools
import sys
import time

import requests
import sseclient

TIMEOUT_S = 60


def read_forever(url: str) -> None:
    """Print every event: its name, its id and its data, with tabs between."""
    last_id, delay_s = "", 1.0
    for attempt in itertools.count():
        time.sleep(delay_s if attempt else 0)
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        try:
            with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
                response.raise_for_status()
                for event in sseclient.SSEClient(response.iter_content(None)).events():
                    last_id = event.id or last_id
                    delay_s = delay_s if event.retry is None else int(event.retry) / 1000
                    print(event.event, event.id or "", event.data, sep="\t", flush=True)
        except requests.RequestException as error:
            print(error, file=sys.stderr)


if __name__ == "__main__":
    read_forever(sys.argv[1])
