"""How long one request for metadata may take: of a far cluster, more after each silence."""

from __future__ import annotations

# The request blocks Ctrl-C until it is answered, so its time-out is short.
_SLICE_S = 0.25
# Most networks answer sooner; a connection that is open needs one round trip.
_FAR_S = 4.0


class Pace:
    """The seconds for the next request: those of the last silence doubled, of a remote cluster.

    To one that is started here the way is short, and a short request lets its death be seen.
    """

    def __init__(self, *, remote: bool, first_s: float = _SLICE_S, far_s: float = _FAR_S) -> None:
        self._most_s = far_s if remote else first_s
        self.slice_s = first_s

    @property
    def whole_s(self) -> float:
        """The seconds for an answer that lists everything."""
        return self.slice_s * 4

    def silent(self) -> None:
        """Give the next request more time: this one was not answered."""
        self.slice_s = min(self.slice_s * 2, self._most_s)
