"""Pages of 100 customers a second that the sandbox gives on one core, with the client on another.

    python benchmarks/sandbox_pages.py [--seconds 5] [--connections 8] [--cold]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator

CUSTOMERS = 10_000
LIMIT = 100


@contextlib.contextmanager
def sandbox(core: int) -> Iterator[str]:
    """A sandbox on one core."""
    command = [sys.executable, "-m", "sumeru_sandbox.cli", "--port", "0", "--shops", "acme"]
    command += ["--customers", str(CUSTOMERS), "--plan", "enterprise"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(process.pid, {core})
            assert process.stdout
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


def walk(url: str, token: str) -> list[bytes]:
    """Read the whole list once, and give the requests for its pages."""
    requests = []
    cursor = ""
    host = url.partition("//")[2]
    while True:
        path = f"/api/v1/customers?limit={LIMIT}" + (f"&cursor={cursor}" if cursor else "")
        head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n"
        requests.append(head.encode())
        request = urllib.request.Request(url + path, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request) as answer:
            pagination = json.load(answer)["pagination"]
        if not pagination["has_next"]:
            return requests
        cursor = urllib.parse.quote(pagination["next_cursor"])


def client(address: tuple[str, int], requests: list[bytes], until: float, done: list[int]) -> None:
    """Ask for one page after the other, until the time is up."""
    buffer = bytearray(2**20)
    count = 0
    with socket.create_connection(address) as connection:
        while time.monotonic() < until:
            connection.sendall(requests[count % len(requests)])
            size = connection.recv_into(buffer)
            head, _, _ = bytes(buffer[: min(size, 2048)]).partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert head.startswith(b"HTTP/1.1 200") and length
            left = len(head) + 4 + int(length[1]) - size
            while left > 0:
                left -= connection.recv_into(buffer)
            count += 1
    done.append(count)


def measure(url: str, requests: list[bytes], connections: int, seconds: float) -> float:
    """Pages a second over several connections."""
    host, port = url.partition("//")[2].split(":")
    done: list[int] = []
    start = time.monotonic()
    threads = [
        threading.Thread(target=client, args=((host, int(port)), requests, start + seconds, done))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - start)


def main() -> None:
    """Measure cold pages while walking the list once, then warm ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=4)
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else [0]
    with sandbox(cores[0]) as url:
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[-1]})
        with urllib.request.urlopen(f"{url}/_sandbox/shops") as answer:
            token = json.load(answer)[0]["token"]
        start = time.monotonic()
        requests = walk(url, token)
        print(f"cold: {len(requests) / (time.monotonic() - start):,.0f} pages a second, read one by one")
        print(f"warm: {measure(url, requests, arguments.connections, arguments.seconds):,.0f} pages a second")


if __name__ == "__main__":
    main()
