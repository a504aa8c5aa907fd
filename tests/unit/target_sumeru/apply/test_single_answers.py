"""Single writes: a success without the row in it is checked, or its outcome is unknown."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sumeru_api.responses import Response
from support.target_factories import NOW, FakeLists
from target_sumeru.apply.single import SingleWrites
from target_sumeru.config.streams import STREAMS
from target_sumeru.ledger import DONE, SENT, Ledger
from target_sumeru.plan.items import Current, Item, Operation, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_sumeru.apply.outcomes import Outcome

REFUSAL = {"error": {"code": "validation_failed", "message": "no"}}


def response(status: int, content: object = None) -> Response:
    return Response(status, {}, b"" if content is None else json.dumps(content).encode(), 0.0)


class AnsweringShop(FakeLists):
    """A shop that applies a write or not, and answers in its own way.

    Args:
        answers: The answers to its writes, in order; the last one is repeated.
        applied: Whether it applies them.

    Attributes:
        keys: The idempotency keys of the writes.
        reads: How often a single row was read.
    """

    def __init__(self, *answers: Response, applied: bool = True) -> None:
        super().__init__()
        self._answers = list(answers)
        self._applied = applied
        self._row: dict[str, Any] = {"tags": ["old"]}
        self.keys: list[str] = []
        self.reads = 0

    async def update(self, *given: Any) -> Response:
        """Answer a PATCH."""
        _, api_id, attributes, *_ = given
        assert api_id == "cus_1"
        self._row |= attributes if self._applied else {}
        return self._answer()

    async def current(self, _: object, api_id: str) -> Current:
        """Answer a GET of one row."""
        self.reads += 1
        return Current(api_id, self._row)

    async def create(self, _: object, __: Mapping[str, Any], key: str, *___: Any, wrapped: bool) -> Response:
        """Answer a creation."""
        self.keys.append(f"{key} {wrapped}")
        return self._answer()

    async def launch(self, _: object, __: str, key: str, ___: object) -> Response:
        """Answer a launch."""
        self.keys.append(key)
        return self._answer()

    def _answer(self) -> Response:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def write(shop: AnsweringShop, one: Item, ledger: Ledger) -> Outcome:
    writes = SingleWrites(shop, ledger)  # type: ignore[arg-type]  # a fake
    return asyncio.run(writes.write(STREAMS[one.stream], one))


def item(stream: str, operation: Operation, api_id: str = "", **attributes: Any) -> Item:
    place = (stream, "acme", "external_id\x1fa", 1, 1, b"row", b"scope", operation)
    return Item(*place, attributes=attributes, content=b"content", api_id=api_id)


ODD = st.one_of(
    st.sampled_from(
        [{}, [], {"data": None}, {"data": {}}, {"data": []}, {"ok": True}, {"message": "queued"}]
    ),
    st.sampled_from([{"data": {"id": "job_1"}}, {"data": [{"id": "cus_1"}]}, {"data": "cus_1"}, "fine", 1]),
).map(lambda content: response(200, content))


@given(answer=ODD, applied=st.booleans())
def test_a_change_that_is_answered_without_its_row_is_read_back(answer: Response, *, applied: bool) -> None:
    shop, ledger = AnsweringShop(answer, applied=applied), Ledger()
    outcome = write(shop, item("customers", Operation.UPDATE, "cus_1", tags=["vip"]), ledger)
    expected = (Status.WRITTEN, "") if applied else (Status.REJECTED, "not_written")
    assert (outcome.status, outcome.reason, shop.reads) == (*expected, 1)
    assert (ledger.entry(b"row") is not None) == applied


@pytest.mark.parametrize(
    "answer",
    [response(200, {"data": {"id": "cus_1", "attributes": {}}}), response(204), response(205)],
)
def test_a_change_that_is_answered_as_documented_or_with_no_content_is_written(answer: Response) -> None:
    shop = AnsweringShop(answer)
    outcome = write(shop, item("customers", Operation.UPDATE, "cus_1", tags=["vip"]), Ledger())
    assert (outcome.status, shop.reads) == (Status.WRITTEN, 0)


@pytest.mark.parametrize("content", [{}, {"data": None}, {"data": []}, {"message": "queued"}, {"ok": True}])
@pytest.mark.parametrize("stream", ["campaigns", "campaign_launches"])
def test_a_creation_or_launch_that_is_answered_without_a_row_is_unknown_and_keeps_its_key(
    stream: str, content: object
) -> None:
    launches = stream == "campaign_launches"
    operation = Operation.LAUNCH if launches else Operation.CREATE
    shop, ledger = AnsweringShop(response(200, content)), Ledger()
    outcome = write(shop, item(stream, operation, "cam_1" if launches else "", name="N"), ledger)
    entry = ledger.entry(b"row")
    assert entry is not None
    assert (outcome.status, entry.status, entry.generation) == (Status.UNKNOWN, SENT, 0)


def test_a_launch_that_is_answered_with_no_content_is_written() -> None:
    ledger = Ledger()
    outcome = write(
        AnsweringShop(response(204)), item("campaign_launches", Operation.LAUNCH, "cam_1"), ledger
    )
    entry = ledger.entry(b"row")
    assert entry is not None
    assert (outcome.status, entry.status, entry.sent_at) == (Status.WRITTEN, DONE, NOW)


@pytest.mark.parametrize(
    ("stream", "answers", "sent_before", "keys"),
    [
        ("campaigns", [409, 409], True, 2),  # what arrived of the first request was cut
        ("products", [422, 409], False, 2),  # the flat form is refused, the wrapped one meets a conflict
        ("products", [409, 422, 409], True, 3),
    ],
)
def test_a_conflict_with_a_later_key_is_no_reason_for_yet_another_one(
    stream: str, answers: list[int], keys: int, *, sent_before: bool
) -> None:
    shop, ledger = AnsweringShop(*(response(status, REFUSAL) for status in answers)), Ledger()
    title = "title" if stream == "products" else "name"
    one = item(stream, Operation.CREATE, **{title: "N"})
    one.sent_before = sent_before
    outcome = write(shop, one, ledger)
    assert (outcome.status, outcome.reason, len(set(shop.keys))) == (Status.REJECTED, "conflict", keys)
    entry = ledger.entry(b"row")
    assert entry is not None
    assert (entry.status, entry.generation, entry.content) == (SENT, keys - 1, None)
    again = item(stream, Operation.CREATE, **{title: "N"})
    again.generation = entry.generation
    assert write(shop, again, ledger).reason == "conflict"
    assert len({key.split()[0] for key in shop.keys}) == keys


def test_a_success_without_a_row_after_a_refused_form_keeps_its_key() -> None:
    shop, ledger = AnsweringShop(response(422, REFUSAL), response(200, {})), Ledger()
    outcome = write(shop, item("products", Operation.CREATE, title="N"), ledger)
    entry = ledger.entry(b"row")
    assert entry is not None
    assert (outcome.status, entry.status, entry.generation) == (Status.UNKNOWN, SENT, 1)


NOT_THE_ROW = [
    {"id": "job_1", "type": "job"},
    {"id": "job_1", "type": "job", "attributes": {"state": "queued"}},
    {"id": "job_1", "state": "queued"},
    {"id": 7, "attributes": {"progress": 0}},
]


@pytest.mark.parametrize("row", NOT_THE_ROW)
@pytest.mark.parametrize("stream", ["campaigns", "journeys", "products", "campaign_launches"])
def test_something_else_with_an_id_is_not_the_row(stream: str, row: dict[str, Any]) -> None:
    """The id of a job would be kept as that of the campaign, which would count as created or launched."""
    launches = stream == "campaign_launches"
    operation = Operation.LAUNCH if launches else Operation.CREATE
    name = "title" if stream == "products" else "name"
    shop, ledger = AnsweringShop(response(202, {"data": row})), Ledger()
    outcome = write(shop, item(stream, operation, "cam_1" if launches else "", **{name: "N"}), ledger)
    entry = ledger.entry(b"row")
    assert entry is not None
    assert (outcome.status, outcome.http_status, entry.status) == (Status.UNKNOWN, 202, SENT)


@pytest.mark.parametrize("kind", [{"type": "journey"}, {"type": "Journeys"}, {}])
@pytest.mark.parametrize("attributes", [{}, {"attributes": {}}, {"attributes": {"name": "N"}}, {"name": "N"}])
def test_the_created_row_may_be_shown_in_any_documented_form(
    kind: dict[str, Any], attributes: dict[str, Any]
) -> None:
    shop = AnsweringShop(response(201, {"data": {"id": "jrn_1", **kind, **attributes}}))
    outcome = write(shop, item("journeys", Operation.CREATE, name="N"), Ledger())
    assert (outcome.status, outcome.api_id) == (Status.WRITTEN, "jrn_1")
