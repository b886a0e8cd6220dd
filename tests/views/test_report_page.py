"""The page that ``report --html`` writes, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from autohealer.views.report.page import report_page
from tests.support.browser import Browser
from tests.views.test_report import BEGIN, HOSTILE, large, two_of_which_one_dies

OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
CUT_OFF = "[...document.querySelectorAll('svg')].filter(e => !e.getBoundingClientRect().width).length"


@pytest.mark.parametrize("width", [360, 1100])
def test_it_needs_nothing_and_fits(browser: Browser, tmp_path: Path, width: int) -> None:
    """On a phone and on a desk; every plot has room, nothing is fetched, and the console is silent."""
    page = tmp_path / "report.html"
    page.write_text(report_page(large(), f"{HOSTILE}{'x' * 200}", BEGIN))
    with browser.open(page.as_uri(), width=width) as tab:
        assert tab.evaluate(OVERFLOWS) is False
        assert tab.evaluate(CUT_OFF) == (0 if width > 560 else len(tab.texts("td.wide")))
        assert tab.text("h2") == "Running on average in every 4.4 s; dashed: the target"
        assert len(tab.texts("svg.slot")) == 60
        assert tab.complaints() == []
        assert list(tab.requested()) == [page.as_uri()]


def test_light_and_dark(browser: Browser, tmp_path: Path) -> None:
    """As the reader has it."""
    page = tmp_path / "report.html"
    page.write_text(report_page(two_of_which_one_dies().report(100), "default", BEGIN))
    seen = []
    for dark in (False, True):
        with browser.open(page.as_uri(), dark=dark) as tab:
            seen.append(tab.evaluate(BACKGROUND))
    assert seen == ["rgb(246, 248, 250)", "rgb(15, 20, 26)"]
