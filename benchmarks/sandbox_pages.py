"""Measure how many pages of 100 customers a second the sandbox serves on one core, the client on another.

Run it with `python benchmarks/sandbox_pages.py [--seconds 5] [--connections 4]`.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

CUSTOMERS = 10_000
LIMIT = 100
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextlib.contextmanager
def sandbox() -> Iterator[tuple[str, int]]:
    """Run a sandbox on the first core, and move this process to the last; yield its address."""
    command = [sys.executable, "-m", "sumeru_sandbox", "--port", "0", "--shops", "acme"]
    command += ["--customers", str(CUSTOMERS), "--plan", "enterprise"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if _CORES:
                os.sched_setaffinity(process.pid, _CORES[:1])
                os.sched_setaffinity(0, _CORES[-1:])
            assert process.stdout
            host, _, port = process.stdout.readline().rpartition("//")[2].strip().partition(":")
            yield host, int(port)
        finally:
            process.terminate()


def walk(address: tuple[str, int]) -> list[bytes]:
    """Read the list once, and return the requests of its pages."""
    connection = http.client.HTTPConnection(*address)
    connection.request("GET", "/_sandbox/shops")
    token = json.load(connection.getresponse())[0]["token"]
    requests: list[bytes] = []
    path = f"/api/v1/customers?limit={LIMIT}"
    cursor = ""
    while True:
        target = path + cursor
        head = f"GET {target} HTTP/1.1\r\nHost: {address[0]}\r\nAuthorization: Bearer {token}\r\n\r\n"
        requests.append(head.encode())
        connection.request("GET", target, headers={"Authorization": f"Bearer {token}"})
        pagination = json.load(connection.getresponse())["pagination"]
        if not pagination["has_next"]:
            connection.close()
            return requests
        cursor = f"&cursor={quote(pagination['next_cursor'])}"


def client(address: tuple[str, int], requests: list[bytes], until: float, done: list[int]) -> None:
    """Request one page after the other until the time is up."""
    buffer = bytearray(2**20)
    count = 0
    with socket.create_connection(address) as connection:
        while time.monotonic() < until:
            connection.sendall(requests[count % len(requests)])
            size = connection.recv_into(buffer)
            head, _, _ = bytes(buffer[: min(size, 2048)]).partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length, head
            left = len(head) + 4 + int(length[1]) - size
            while left > 0:
                left -= connection.recv_into(buffer)
            count += 1
    done.append(count)


def measure(address: tuple[str, int], requests: list[bytes], connections: int, seconds: float) -> float:
    """Return the pages a second over several connections."""
    done: list[int] = []
    start = time.monotonic()
    threads = [
        threading.Thread(target=client, args=(address, requests, start + seconds, done))
        for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - start)


def main() -> None:
    """Measure cold pages while reading the list once, then warm ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=4)
    arguments = parser.parse_args()
    with sandbox() as address:
        start = time.monotonic()
        requests = walk(address)
        print(f"cold: {len(requests) / (time.monotonic() - start):,.0f} pages a second, one after the other")
        warm = measure(address, requests, arguments.connections, arguments.seconds)
        print(f"warm: {warm:,.0f} pages a second")


if __name__ == "__main__":
    main()
