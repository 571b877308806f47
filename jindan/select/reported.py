"""Studies as pages: what each result of a study has beside its numbers and its picture."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar


class Reported:
    """A result that can stand in a report.

    Attributes:
        study: Which kind it is: a key of `jindan.report.study_entries.STUDIES`.
    """

    study: ClassVar[str]

    def report(self, to_file: Any, lang: str = "en", name: str | None = None) -> Path:
        """Write an offline page with what was found: words, pictures and numbers, in English and Korean.

        Args:
            to_file: Where to; "study.html", say.
            lang: The language it opens in, "en" or "ko".
            name: What stands on top; the study's own title unless given.

        Raises:
            FileError: when it cannot be written there.

        >>> import tempfile
        >>> from jindan.select.seeds import SeedStudy
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as place:
        ...     page = SeedStudy(np.array([0.5, 0.7, 0.6]), (0, 1, 2), "accuracy").report(place + "/seeds.html")
        ...     "Over 3 seeds the score is 0.6 on average" in page.read_text(encoding="utf-8")
        True
        """
        from .. import __version__
        from ..report import build_report
        from ..report.markup import save
        from ..report.study_entries import study_entry
        from ..report.words import t

        title = name if name is not None else getattr(t(f"study_{self.study}"), "ko" if lang == "ko" else "en")
        record = {
            "name": title, "lang": lang, "version": __version__, "studies": [study_entry(self)],
            "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        }  # fmt: skip
        return save(to_file, build_report(record), "page")
