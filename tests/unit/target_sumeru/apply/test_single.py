"""Creations and launches: what each response means, and what the ledger knows after it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import pytest

from sumeru_api.responses import Response
from support.target_factories import NOW, FakeLists
from target_sumeru.apply.single import SingleWrites, creation_key, new_key
from target_sumeru.config.streams import STREAMS
from target_sumeru.ledger import DONE, REFUSED, SENT, Ledger
from target_sumeru.plan.items import Current, Item, Operation, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_sumeru.apply.outcomes import Outcome


def response(status: int, *, in_doubt: bool = False, **content: Any) -> Response:
    answer = Response(status, {}, json.dumps(content).encode(), 0.0)
    answer.in_doubt = in_doubt
    return answer


CREATED: dict[str, Any] = {"data": {"id": "x_1", "attributes": {}}}
REFUSAL: dict[str, Any] = {"error": {"code": "validation_failed", "message": "no"}}


class ScriptedShop(FakeLists):
    """A shop that answers writes from a script.

    Args:
        answers: The responses, in order.
        rows: The rows of its lists.

    Attributes:
        keys: The idempotency keys of the writes.
        wrapped: Whether each creation was wrapped.
    """

    def __init__(self, *answers: Response, rows: tuple[Current, ...] = ()) -> None:
        super().__init__(rows)
        self._answers = list(answers)
        self.keys: list[str] = []
        self.wrapped: list[bool] = []

    async def create(
        self, stream: object, attributes: Mapping[str, Any], key: str, _: object, *, wrapped: bool
    ) -> Response:
        """Answer a creation."""
        assert stream
        assert attributes
        self.keys.append(key)
        self.wrapped.append(wrapped)
        return self._answers.pop(0)

    async def launch(self, stream: object, api_id: str, key: str, _: object) -> Response:
        """Answer a launch."""
        assert stream
        assert api_id
        self.keys.append(key)
        return self._answers.pop(0)


def item(stream: str = "campaigns", operation: Operation = Operation.CREATE, **more: Any) -> Item:
    name = "title" if stream == "products" else "name"
    place = (stream, "acme", "external_id\x1fa", 1, 1, b"row", b"scope", operation)
    return Item(*place, attributes={name: "N"}, content=b"content", **more)


def write(shop: ScriptedShop, one: Item, ledger: Ledger) -> Outcome:
    writes = SingleWrites(shop, ledger)  # type: ignore[arg-type]  # a fake
    return asyncio.run(writes.write(STREAMS[one.stream], one))


def known(ledger: Ledger) -> tuple[str, int, str]:
    entry = ledger.entry(b"row")
    assert entry is not None
    assert entry.sent_at == NOW
    return entry.status, entry.generation, entry.api_id


def test_a_creation_is_remembered_with_its_id() -> None:
    ledger = Ledger()
    outcome = write(ScriptedShop(response(201, **CREATED)), item(), ledger)
    assert (outcome.status, known(ledger)) == (Status.WRITTEN, (DONE, 0, "x_1"))


def test_a_refusal_changes_the_key_of_the_next_request() -> None:
    ledger = Ledger()
    outcome = write(ScriptedShop(response(422, **REFUSAL)), item(), ledger)
    assert (outcome.status, known(ledger)) == (Status.REJECTED, (REFUSED, 1, ""))
    assert creation_key(item()) != creation_key(item(generation=1))


def test_a_refusal_after_a_try_that_was_applied_adopts_what_it_made() -> None:
    ledger = Ledger()
    shop = ScriptedShop(response(422, in_doubt=True, **REFUSAL), rows=(Current("cam_9", {"name": "N"}),))
    outcome = write(shop, item(), ledger)
    assert (outcome.status, known(ledger)) == (Status.ADOPTED, (DONE, 0, "cam_9"))


@pytest.mark.parametrize(("sent_before", "in_doubt"), [(True, False), (False, True)])
def test_a_cut_body_is_sent_again_with_another_key_once(*, sent_before: bool, in_doubt: bool) -> None:
    ledger = Ledger()
    shop = ScriptedShop(response(409, in_doubt=in_doubt, **REFUSAL), response(201, **CREATED))
    outcome = write(shop, item(sent_before=sent_before), ledger)
    assert (outcome.status, known(ledger), len(set(shop.keys))) == (Status.WRITTEN, (DONE, 1, "x_1"), 2)


def test_a_conflict_with_a_request_of_others_is_no_second_row() -> None:
    ledger = Ledger()
    shop = ScriptedShop(response(409, **REFUSAL))
    outcome = write(shop, item(), ledger)
    assert (outcome.status, outcome.reason, known(ledger)) == (Status.REJECTED, "conflict", (SENT, 0, ""))
    entry = ledger.entry(b"row")
    assert entry is not None
    assert entry.content is None  # so the next run does not take the request for its own


@pytest.mark.parametrize(("stream", "forms"), [("products", [False, True]), ("campaigns", [False])])
def test_a_body_whose_form_is_not_documented_is_tried_in_both(stream: str, forms: list[bool]) -> None:
    ledger = Ledger()
    shop = ScriptedShop(response(422, **REFUSAL), response(201, **CREATED))
    outcome = write(shop, item(stream), ledger)
    assert shop.wrapped == forms
    assert (outcome.status is Status.WRITTEN) == (len(forms) > 1)
    assert len(set(shop.keys)) == len(forms)


@pytest.mark.parametrize(
    ("answer", "status", "entry"),
    [
        (response(200, **CREATED), Status.WRITTEN, DONE),
        (response(422, **REFUSAL), Status.REJECTED, REFUSED),
        (response(409, **REFUSAL), Status.UNKNOWN, SENT),
        (response(200, **CREATED, **REFUSAL), Status.UNKNOWN, SENT),
        (response(202, **CREATED, errors=[{"code": "partial"}]), Status.UNKNOWN, SENT),
        (response(200, **CREATED, success=False), Status.UNKNOWN, SENT),
        (response(422, in_doubt=True, **REFUSAL), Status.UNKNOWN, SENT),
    ],
)
def test_a_launch_changes_its_key_only_if_it_was_certainly_refused(
    answer: Response, status: Status, entry: str
) -> None:
    ledger = Ledger()
    one = item("campaign_launches", Operation.LAUNCH, api_id="x_1")
    assert write(ScriptedShop(answer), one, ledger).status is status
    assert known(ledger)[0] == entry


def test_the_key_of_a_creation_does_not_depend_on_what_the_row_holds() -> None:
    one, other = item(), item()
    other.attributes, other.content = {"name": "Other"}, b"other"
    assert creation_key(one) == creation_key(other)
    assert creation_key(one) != creation_key(item("journeys"))
    assert new_key() != new_key()


HOUR = 3600


@pytest.mark.parametrize("answer", [response(409, in_doubt=True, **REFUSAL), response(409, **REFUSAL)])
def test_a_changed_body_after_an_unknown_outcome_is_no_second_row(answer: Response) -> None:
    ledger = Ledger()
    ledger.sent(b"row", b"scope", 0, b"old content", NOW)
    shop = ScriptedShop(answer, answer)
    for _ in range(2):  # the next run does not take the request for its own either
        entry = ledger.entry(b"row")
        assert entry is not None
        outcome = write(shop, item(sent_before=entry.content == b"content"), ledger)
        assert (outcome.status, outcome.reason) == (Status.REJECTED, "conflict")
    assert (len(set(shop.keys)), known(ledger)) == (1, (SENT, 0, ""))


@pytest.mark.parametrize(("age", "rows", "sent"), [(22, 1, 1), (23, 1, 0), (23, 0, 1), (30, 1, 0)])
def test_the_age_of_a_key_is_judged_again_before_it_is_sent(age: int, rows: int, sent: int) -> None:
    ledger = Ledger()
    ledger.sent(b"row", b"scope", 0, b"content", NOW - age * HOUR)
    shop = ScriptedShop(response(201, **CREATED), rows=(Current("cam_9", {"name": "N"}),) * rows)
    outcome = write(shop, item(sent_before=True), ledger)
    assert (outcome.status, len(shop.keys)) == (Status.WRITTEN if sent else Status.ADOPTED, sent)


@pytest.mark.parametrize(("age", "sent"), [(22, 1), (23, 0), (40, 0)])
def test_a_launch_with_an_old_key_is_not_sent_again(age: int, sent: int) -> None:
    ledger = Ledger()
    ledger.sent(b"row", b"scope", 0, b"content", NOW - age * HOUR)
    shop = ScriptedShop(response(200, **CREATED))
    outcome = write(shop, item("campaign_launches", Operation.LAUNCH, api_id="x_1"), ledger)
    assert (outcome.status, len(shop.keys)) == (Status.WRITTEN if sent else Status.UNKNOWN, sent)


@pytest.mark.parametrize("names", [(), ("N",)])
def test_a_success_that_names_a_failure_does_not_change_the_key_of_a_creation(names: tuple[str, ...]) -> None:
    ledger = Ledger()
    rows = tuple(Current("cam_9", {"name": name}) for name in names)
    outcome = write(ScriptedShop(response(200, **CREATED, **REFUSAL), rows=rows), item(), ledger)
    expected = (Status.ADOPTED, (DONE, 0, "cam_9")) if names else (Status.UNKNOWN, (SENT, 0, ""))
    assert (outcome.status, known(ledger)) == expected


def test_a_row_without_an_id_that_may_be_the_created_one_is_not_adopted_and_not_made_again() -> None:
    ledger = Ledger()
    ledger.done(b"another row", b"scope", b"content")
    ledger.sent(b"row", b"scope", 0, b"content", NOW - 30 * HOUR)
    shop = ScriptedShop(response(201, **CREATED), rows=(Current("", {"name": "N"}),))
    outcome = write(shop, item(sent_before=True), ledger)
    assert (outcome.status, outcome.reason, shop.keys) == (Status.REJECTED, "without_id", [])


@pytest.mark.parametrize("name", ["Spring\u00a0sale", "Spring\nsale", "Spring\x1fsale", "Cafe\u0301"])
def test_a_row_of_any_name_that_may_have_been_created_is_found(name: str) -> None:
    ledger = Ledger()
    ledger.sent(b"row", b"scope", 0, b"content", NOW - 30 * HOUR)
    shop = ScriptedShop(response(201, **CREATED), rows=(Current("cam_9", {"name": normalize("NFC", name)}),))
    one = item(sent_before=True)
    one.attributes = {"name": name}
    assert (write(shop, one, ledger).status, shop.keys) == (Status.ADOPTED, [])
