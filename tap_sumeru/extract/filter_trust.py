"""Trust in the API's date filter: rows must show that the filter acts on the replication key.

A filter on `created_at` looks right in an incremental read, and silently misses old rows that change. So a
filter is `unproven` at first. It is `proven` by a row whose replication key lies in the requested range while
each other date of the row lies outside, `plausible` if the rows show no other date, and `refuted` by a row
whose replication key lies outside. No row can show a date that the API hides: the audit bounds that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_sumeru.extract.filter_verdict import verdict_of_row
from tap_sumeru.extract.probe_candidate import ProbeCandidate
from tap_sumeru.state.bookmarks import Bookmark, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tap_sumeru.extract.windows import Window
    from tap_sumeru.records import ShapedPage

_MAX_PLAUSIBLE = 10
"""Rows of a probe of which none has proven the filter: no more are parsed to look for other dates."""
_RANK = (Verdict.REFUTED, Verdict.UNPROVEN, Verdict.PLAUSIBLE, Verdict.PROVEN)


class FilterTrust:
    """What is known about the date filter of one stream of one shop.

    Args:
        bookmark: Keeps it from one run to the next.
        usable: Whether there is a filter to use.
    """

    def __init__(self, bookmark: Bookmark, *, usable: bool) -> None:
        self._bookmark = bookmark
        self._usable = usable
        self._candidate: ProbeCandidate | None = None
        self._before_rejection: Verdict | None = None
        self._probe_verdict = Verdict.UNPROVEN
        self._candidate_returned = False
        self._probed_rows = 0
        self._accepted = False

    @property
    def known(self) -> str:
        """What is known about the filter, in a word."""
        return self._bookmark.verdict.value if self._usable else "none"

    @property
    def improvable(self) -> bool:
        """Whether rows may still prove the filter."""
        improvable = self._bookmark.verdict in (Verdict.UNPROVEN, Verdict.PLAUSIBLE)
        return self._usable and improvable and not self._accepted

    @property
    def first_read_unproven(self) -> bool:
        """Whether a first read uses the filter, and no row has proven it so far."""
        return self.improvable and self._bookmark.unproven_from is not None

    def may_use_filter(self, *, first: bool) -> bool:
        """Return whether a read may use the filter: an incremental read only if the rows agree with it.

        Args:
            first: Whether this is a first read, which is repeated without the filter if no row proves it.
        """
        if not self._usable or self._bookmark.verdict is Verdict.REFUTED:
            return False
        believed = self._bookmark.verdict in (Verdict.PROVEN, Verdict.PLAUSIBLE)
        return believed or first or self._bookmark.unproven_from is not None

    def accept(self) -> bool:
        """Accept a plausible filter, once: the API lists nothing without it. Return whether that helps."""
        if not self.first_read_unproven or self._bookmark.verdict is not Verdict.PLAUSIBLE:
            return False
        self._accepted, self._bookmark.unproven_from = True, None
        return True

    def try_again(self) -> None:
        """Forget that the filter was refuted: the API may have changed, or something else was at fault."""
        if self._bookmark.verdict is Verdict.REFUTED:
            self._bookmark.verdict = Verdict.UNPROVEN

    def check_page(
        self, accepted: Window, page: ShapedPage, began: datetime | None, *, all_attributes: bool = True
    ) -> bool:
        """Learn from a page that the filter returned; return whether the filter can still be believed.

        Args:
            accepted: What a correct API may return for the requested window.
            page: The page.
            began: When the read began; a row that has changed since then may lie anywhere.
            all_attributes: Whether the rows have all their attributes; if not, they prove nothing: a date
                that was left out may be the one that the filter acts on.
        """
        if not all(map(accepted.holds, page.span)) and any(
            not accepted.holds(one) and (began is None or one < began)
            for one in page.timestamps
            if one is not None
        ):
            if self._bookmark.unproven_from is None:
                # The filter was believed: whatever it shortened may lack rows.
                self._bookmark.forget()
            self._bookmark.verdict = Verdict.REFUTED
            return False
        if all_attributes and (self._unproven or self.first_read_unproven):
            for verdict in self._verdicts(accepted, page):
                self._bookmark.verdict = _better(self._bookmark.verdict, verdict)
                if self._bookmark.verdict is Verdict.PROVEN:
                    break
        return True

    @property
    def _unproven(self) -> bool:
        return self._usable and self._bookmark.verdict is Verdict.UNPROVEN

    @staticmethod
    def _verdicts(accepted: Window, page: ShapedPage) -> Iterator[Verdict]:
        for i, timestamp in enumerate(page.timestamps):
            if timestamp is not None:
                yield verdict_of_row(accepted, timestamp, page.other_dates(i))

    # A filter that the API does not accept

    def rejected(self) -> None:
        """Record that the API does not accept the filter; what it returned before stays valid."""
        if self._before_rejection is None:  # several requests may be rejected in the same moment
            self._before_rejection = self._bookmark.verdict
        self._bookmark.verdict = Verdict.REFUTED

    def undo_rejection(self) -> None:
        """Record that the request failed without the filter too, so that the filter was not at fault."""
        if self._before_rejection is not None:
            self._bookmark.verdict, self._before_rejection = self._before_rejection, None

    def confirm_rejection(self) -> None:
        """Record that the request succeeded without the filter."""
        self._before_rejection = None

    # A probe after an unfiltered read

    def look_for_candidate(self, now: datetime, *, audit: bool = False) -> None:
        """Start to look for a row that can prove the filter, among the rows of an unfiltered read.

        Args:
            now: The present.
            audit: Whether the read is an audit, after which a proven filter must prove itself again.
        """
        wanted = self.improvable or (audit and self._usable)
        self._candidate = ProbeCandidate(now, self._bookmark.distance) if wanted else None

    def consider(self, page: ShapedPage, parent: str | None) -> None:
        """Consider the rows of an unfiltered read as candidates."""
        if self._candidate is not None and None in page.timestamps:
            # No filter can be relied on to return a row that lacks the field that it acts on.
            self._candidate = None
        if self._candidate is None or self._candidate.found:
            return
        for i, timestamp in enumerate(page.timestamps):
            if timestamp is not None:
                self._candidate.consider(timestamp, page.other_dates(i), parent, page.ids[i])

    def take_candidate(self) -> ProbeCandidate | None:
        """Return the candidate that was found, once."""
        candidate, self._candidate = self._candidate, None
        self._probe_verdict, self._candidate_returned, self._probed_rows = Verdict.UNPROVEN, False, 0
        return candidate if candidate is not None and candidate.window is not None else None

    def check_probe_page(
        self, candidate: ProbeCandidate, accepted: Window, page: ShapedPage, began: datetime | None
    ) -> bool:
        """Learn from a page of a probe; return whether the filter can still be believed."""
        for i, timestamp in enumerate(page.timestamps):
            if timestamp is None:
                continue
            verdict = verdict_of_row(accepted, timestamp, () if self._probe_judged else page.other_dates(i))
            if verdict is not Verdict.REFUTED:
                self._probe_verdict = _better(self._probe_verdict, verdict)
            elif began is None or timestamp < began:
                self._bookmark.verdict = Verdict.REFUTED
                return False
            self._probed_rows += 1
            self._candidate_returned |= candidate.is_row(page.ids[i], timestamp)
        return True

    @property
    def _probe_judged(self) -> bool:
        """Whether further rows of the probe, as far as they lie in its day, would change nothing."""
        if self._probe_verdict is Verdict.PLAUSIBLE:
            return self._probed_rows >= _MAX_PLAUSIBLE
        return self._probe_verdict is Verdict.PROVEN

    def conclude_probe(self, *, read_to_end: bool) -> None:
        """Judge the filter by all that a probe has returned.

        Args:
            read_to_end: Whether it returned all its rows. Then the candidate must be among them: a filter on
                a date that the rows do not show leaves it out.
        """
        if read_to_end and not self._candidate_returned:
            self._bookmark.verdict = Verdict.UNPROVEN
        else:
            self._bookmark.verdict = _better(self._bookmark.verdict, self._probe_verdict)


def _better(one: Verdict, other: Verdict) -> Verdict:
    return max(one, other, key=_RANK.index)
