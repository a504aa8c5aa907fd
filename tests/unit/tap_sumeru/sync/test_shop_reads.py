"""The reads of one shop: streams fail alone or, if the error affects the shop, together in one failure."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from typing_extensions import override

from sumeru_api.errors import ApiError, AuthenticationError, PermissionDenied, RateLimited, UnexpectedResponse
from support.virtual_clock import now, run_virtual
from tap_sumeru.extract.parents import Listing
from tap_sumeru.sync.results import Failure, ReadDone
from tap_sumeru.sync.shop_reads import ShopReads

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_sumeru.extract.stream_reader import StreamReader

JOURNEYS = Listing(["jrn_1", "jrn_2"], None)


def parents_failed(error: ApiError) -> ApiError:
    return error.with_cause(f"the list of journeys failed: {error.cause}")


class FakeReader:
    """A reader that ends after some seconds, well or with an error.

    Args:
        seconds: How long it reads.
        error: What it ends with, if anything.
        lists_all: Whether it reads all rows, so that its ids can serve the children of the rows.

    Attributes:
        given: The listing that it was given.
        ended_at: When it ended by itself.
        cancelled: Whether it was cancelled.
    """

    def __init__(
        self, seconds: float = 0.0, error: Exception | None = None, *, lists_all: bool = True
    ) -> None:
        self._seconds = seconds
        self._error = error
        self._lists_all = lists_all
        self.trust = SimpleNamespace(known="proven")
        self.listing = JOURNEYS
        self.parents = SimpleNamespace(failed=parents_failed, missing={}, short=False)
        self.given: Listing | None = None
        self.ended_at: float | None = None
        self.cancelled = False

    def collect_ids(self) -> bool:
        return self._lists_all

    def give_up(self) -> None:
        """Read no further; the task is cancelled too."""

    async def read(self, parents: Listing | None = None) -> None:
        self.given = parents
        try:
            await asyncio.sleep(self._seconds)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        self.ended_at = now()
        if self._error is not None:
            raise self._error


class LateReader(FakeReader):
    """A reader that meets its own end in the moment in which it is cancelled, as a group of tasks may."""

    @override
    async def read(self, parents: Listing | None = None) -> None:
        try:
            await super().read(parents)
        except asyncio.CancelledError:
            if self._error is not None:
                raise self._error from None


Reads = dict[str, FakeReader]


def run(
    readers: Reads, while_reading: Callable[[ShopReads], object] | None = None
) -> list[ReadDone | Failure]:
    """Run the readers of a shop; call a function after two seconds."""
    put: list[ReadDone | Failure] = []

    async def main() -> None:
        reads = ShopReads("acme", cast("dict[str, StreamReader]", readers), put.append)
        if while_reading is not None:
            asyncio.get_running_loop().call_later(2.0, while_reading, reads)
        await reads.run()

    run_virtual(main())
    return put


def failures(put: list[ReadDone | Failure]) -> list[tuple[tuple[str, ...], bool, str]]:
    return [(one.streams, one.whole_shop, one.error.cause) for one in put if isinstance(one, Failure)]


def done(put: list[ReadDone | Failure]) -> list[str]:
    return [one.stream for one in put if isinstance(one, ReadDone)]


def test_each_stream_ends_when_it_is_read() -> None:
    put = run({"orders": FakeReader(3.0), "customers": FakeReader(1.0), "products": FakeReader(2.0)})
    assert put == [
        ReadDone("customers", "acme", "proven"),
        ReadDone("products", "acme", "proven"),
        ReadDone("orders", "acme", "proven"),
    ]


def test_a_stream_fails_alone() -> None:
    put = run({"orders": FakeReader(1.0, PermissionDenied("no scope")), "customers": FakeReader(2.0)})
    assert failures(put) == [(("orders",), False, "no scope")]
    assert done(put) == ["customers"]


def test_an_only_stream_that_fails_is_not_all_streams() -> None:
    assert failures(run({"orders": FakeReader(1.0, AuthenticationError("no token"))})) == [
        (("orders",), False, "no token")
    ]


def test_a_failure_that_affects_the_shop_ends_all_its_streams_in_one_failure() -> None:
    readers = {
        "orders": FakeReader(9.0), "customers": FakeReader(1.0, AuthenticationError("no token")),
        "products": FakeReader(9.0), "journeys": FakeReader(9.0), "enrollments": FakeReader(9.0),
    }  # fmt: skip
    put = run(readers)
    ((streams, whole_shop, cause),) = failures(put)
    assert streams[0] == "customers", "the stream that met the error comes first"
    assert (set(streams), whole_shop, cause) == (set(readers), True, "no token")
    assert done(put) == []
    assert [name for name, reader in readers.items() if reader.ended_at is not None] == ["customers"]


def test_streams_that_are_complete_stay_complete_when_the_shop_fails() -> None:
    readers = {
        "orders": FakeReader(1.0),
        "customers": FakeReader(2.0, RateLimited("too long a wait")),
        "products": FakeReader(3.0),
    }
    put = run(readers)
    assert done(put) == ["orders"]
    assert failures(put) == [(("customers", "products"), False, "too long a wait")]


@pytest.mark.parametrize("error", [AuthenticationError("no token"), PermissionDenied("no scope")])
def test_errors_of_the_same_moment_are_reported_once_for_each_stream(error: ApiError) -> None:
    readers = {name: FakeReader(1.0, error) for name in ("orders", "customers", "products")}
    found = failures(run(readers))
    assert sorted(name for streams, _, _ in found for name in streams) == ["customers", "orders", "products"]
    assert len(found) == (1 if error.affects_shop else 3)


def test_a_stream_that_ends_in_the_moment_in_which_the_shop_fails_has_one_end() -> None:
    for first in ("orders", "products"):
        readers = {first: FakeReader(1.0, AuthenticationError("no token")), "customers": FakeReader(1.0)}
        put = run(readers)
        ends = [*done(put), *(name for streams, _, _ in failures(put) for name in streams)]
        assert sorted(ends) == sorted(readers)


def test_what_a_stream_meets_while_it_is_given_up_is_not_reported() -> None:
    error = AuthenticationError("no token")
    readers: Reads = {
        "orders": FakeReader(1.0, error),
        "customers": LateReader(9.0, error),
        "products": LateReader(9.0),
        "usage": LateReader(9.0, ValueError("text")),
    }
    put = run(readers)
    assert done(put) == []
    ((streams, whole_shop, _),) = failures(put)
    assert (set(streams), whole_shop) == (set(readers), True)


def test_an_unexpected_exception_fails_its_stream_alone_and_says_nothing_of_its_text() -> None:
    put = run({"orders": FakeReader(1.0, KeyError("jane@example.com")), "customers": FakeReader(2.0)})
    (failure,) = [one for one in put if isinstance(one, Failure)]
    assert type(failure.error) is UnexpectedResponse
    assert failure.error.cause == "a row cannot be read (KeyError)"
    assert done(put) == ["customers"]


def test_children_take_the_listing_of_their_parents_stream() -> None:
    readers = {"enrollments": FakeReader(1.0), "journeys": FakeReader(5.0), "orders": FakeReader(1.0)}
    put = run(readers)
    assert readers["enrollments"].given is JOURNEYS
    assert readers["enrollments"].ended_at == 6.0
    assert readers["orders"].given is None
    assert done(put) == ["orders", "journeys", "enrollments"]


@pytest.mark.parametrize(
    "readers",
    [
        {"enrollments": FakeReader(1.0)},
        {"enrollments": FakeReader(1.0), "journeys": FakeReader(5.0, lists_all=False)},
    ],
)
def test_without_a_full_read_of_the_parents_children_list_them_themselves(readers: Reads) -> None:
    run(readers)
    assert readers["enrollments"].given is None
    assert readers["enrollments"].ended_at == 1.0


def test_children_fail_with_the_list_of_their_parents() -> None:
    readers = {"enrollments": FakeReader(), "journeys": FakeReader(1.0, PermissionDenied("no scope"))}
    assert failures(run(readers)) == [
        (("journeys",), False, "no scope"),
        (("enrollments",), False, "the list of journeys failed: no scope"),
    ]
    assert readers["enrollments"].ended_at is None


def test_a_stream_that_is_given_up_is_cancelled_without_another_report() -> None:
    readers = {"orders": FakeReader(9.0), "customers": FakeReader(5.0)}

    def give_up(reads: ShopReads) -> None:
        for _ in range(2):
            reads.give_up("orders", UnexpectedResponse("a record cannot be written"))

    put = run(readers, give_up)
    assert readers["orders"].cancelled
    assert (done(put), failures(put)) == (["customers"], [])


def test_a_stream_that_is_complete_cannot_be_given_up() -> None:
    readers = {"orders": FakeReader(1.0), "customers": FakeReader(5.0)}
    put = run(readers, lambda reads: reads.give_up("orders", UnexpectedResponse("too late")))
    assert (done(put), failures(put)) == (["orders", "customers"], [])


def test_children_of_a_stream_that_is_given_up_fail() -> None:
    readers = {"enrollments": FakeReader(), "journeys": FakeReader(9.0)}
    put = run(readers, lambda reads: reads.give_up("journeys", UnexpectedResponse("it cannot be written")))
    assert failures(put) == [
        (("enrollments",), False, "the list of journeys failed: it cannot be written"),
    ]


def test_a_failure_names_the_shop_the_streams_the_cause_and_what_to_do() -> None:
    error: Any = PermissionDenied("no scope", status=403, code="forbidden", request_id="req_1")
    one = Failure("acme", ("orders", "products"), whole_shop=False, error=error)
    assert str(one) == (
        "Shop acme: orders, products failed: 403 forbidden: no scope (request req_1). "
        "Grant `orders:read` to the token in Settings → API tokens, or deselect `orders`."
    )
    assert Failure("acme", ("orders", "products"), whole_shop=True, error=error).cause == (
        "Shop acme: all streams failed: 403 forbidden: no scope (request req_1)"
    )
