"""Looks up host names in separate threads: a lookup that hangs delays neither others nor the exit."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from aiohttp.resolver import ThreadedResolver
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
ResultT = TypeVar("ResultT")


class DaemonThreads(ThreadPoolExecutor):
    """An executor that starts a thread for each call, and waits for none of them at the end.

    The pool of asyncio has few threads: hanging lookups would occupy all of them, and both the event loop
    and the process would wait for them at the end. The resolver of the system has a timeout of its own.
    """

    @override
    def submit(self, fn: Callable[P, ResultT], /, *args: P.args, **kwargs: P.kwargs) -> Future[ResultT]:
        """Call a function in a new thread."""
        future: Future[ResultT] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits for it
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=call, name="lookup", daemon=True).start()
        return future

    @override
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do not wait for the threads."""


def resolver() -> ThreadedResolver:
    """Return a resolver for the running loop, whose lookups have threads of their own from now on."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(DaemonThreads())
    return ThreadedResolver(loop)
