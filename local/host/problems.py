"""Why the host doesn't start."""

from __future__ import annotations


class RefusedError(Exception):
    """The app, its host.json or its settings can't be run.

    Attributes:
        problems: every reason that was found, one sentence each; they are reported together.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class IndexingError(RefusedError):
    """The app raised while the runtime imported or indexed it; the one problem is its whole traceback."""
