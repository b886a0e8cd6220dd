"""The page in a real browser, on real pools: what it shows, that it follows what happens, and what it never does."""

from __future__ import annotations

import json
import os
import re
import signal
import sys

import pytest

from tests.support.browser import Browser, Tab
from tests.web.client import Client
from tests.web.conftest import Served, token_of

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

WIDE = "document.documentElement.scrollWidth"


def rows(tab: Tab) -> dict[str, str]:
    """The state of each worker in the table, by slot."""
    found = tab.evaluate("[...document.querySelectorAll('#workers tr')].map(r => [...r.cells].map(c => c.innerText))")
    return {cells[0]: cells[1] for cells in found}


def shows(tab: Tab, workers: int) -> None:
    """Wait until so many run in all that the page shows."""

    def as_wanted() -> bool:
        states = rows(tab)
        is_counted = tab.text("#running") == tab.text("#wanted") == f"{workers:,}"
        return (
            is_counted
            and len(states) == min(workers, 100)
            and all(state.endswith("running") for state in states.values())
        )

    tab.until(as_wanted, f"{workers} workers; {tab.text('body')[:600]}")
    assert tab.text("#sentence").split("\n")[-1].endswith("all as wanted")


def is_sound(tab: Tab, client: Client, *, told_of: tuple[str, ...] = ()) -> None:
    """Nothing complained of, nothing asked of anybody else, and no scrolling sideways."""
    assert [text for text in tab.complaints() if not any(known in text for known in told_of)] == []
    assert {url.split("/")[2] for url in tab.requested() if not url.startswith("data:")} == {client.address}
    assert tab.evaluate(f"{WIDE} <= innerWidth")


def test_a_pool_as_it_lives(served: Served, browser: Browser) -> None:
    """It shows all workers, a death and its heal in words and in the timeline, and another target, by itself."""
    pool, client = served(3)
    with browser.open(f"http://{client.address}/") as tab:
        shows(tab, 3)
        assert tab.text("#link").endswith("live")
        assert tab.text("#zookeeper").split("\n")[-1].endswith(f"ZooKeeper {pool.zk}")
        assert "nothing has died" in tab.evaluate("document.querySelector('#timeline svg').textContent")

        before = pool.pids()
        os.kill(before[1], signal.SIGKILL)
        after = pool.until_replaced(before, [1])
        tab.until(lambda: str(after[1]) in tab.text("#workers tr:nth-child(2)"))
        tab.until(lambda: "1 death, 1 heal · p50" in tab.text("#summary"))
        tab.until(lambda: "SIGKILL" in tab.text("#workers tr:nth-child(2)"))
        assert any(
            f"worker 1 (pid {before[1]}) was killed by SIGKILL after" in text for text in tab.texts("#events li")
        )
        assert any(f"worker 1 (pid {after[1]}) started, healed in" in text for text in tab.texts("#events li"))

        assert pool.call("scale", "5").returncode == 0
        shows(tab, 5)
        assert tab.evaluate("document.title") == "5/5 default · autohealer"
        is_sound(tab, client)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_a_phone(served: Served, browser: Browser, dark: bool) -> None:
    """360 pixels are wide enough; dark where that is asked for; what can be pressed is large enough for a thumb."""
    _, client = served(4)
    with browser.open(f"http://{client.address}/", width=360, height=740, dark=dark) as tab:
        tab.until(lambda: len(rows(tab)) == 4)
        paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(map(int, paper.removeprefix("rgb(").removesuffix(")").split(",")))
        assert (brightness < 200) is dark
        assert tab.evaluate("innerWidth") == 360
        cut_off = "[...document.querySelectorAll('#workers td')].filter(c => c.scrollWidth > c.clientWidth)"
        tab.until(lambda: not tab.evaluate(f"{cut_off}.map(c => c.innerText)"), "nothing is cut off")
        heights = "[...document.querySelectorAll('button')].filter(b => b.offsetParent).map(b => b.offsetHeight)"
        assert min(tab.evaluate(heights)) >= 30
        is_sound(tab, client)


def test_a_phone_shows_restarts_cpu_and_the_last_cause(served: Served, browser: Browser) -> None:
    """On a second line of the row, each under its part of the heading, and whole."""
    pool, client = served(2)
    before = pool.pids()
    os.kill(before[1], signal.SIGKILL)
    pool.until_replaced(before, [1])
    with browser.open(f"http://{client.address}/", width=390, height=740) as tab:
        tab.until(lambda: tab.text("#workers tr:nth-child(2) .cause") == "SIGKILL")
        assert tab.text("#workers tr:nth-child(2) .restarts") == "1"
        box = "(q => (b => [b.left, b.right, b.top])(document.querySelector(q).getBoundingClientRect()))"
        for name in ("cause", "cpu", "restarts"):
            head = tab.evaluate(f"{box}('th.of-{name}')")
            left, right, top = tab.evaluate(f"{box}('#workers tr:nth-child(2) .{name}')")
            assert 0 <= left < right <= 390
            assert [left, right] == head[:2]
            assert top > tab.evaluate(f"{box}('#workers tr:nth-child(2) td:nth-child(2)')")[2]
        is_sound(tab, client)


@pytest.mark.parametrize("width", [390, 768, 1400])
def test_why_it_is_not_as_wanted(served: Served, browser: Browser, width: int) -> None:
    """In the words of the dashboard: what the worker said, how it ended, when the next start is; nothing is cut off."""
    pool, client = served(0, (sys.executable, "nosuch.py"))
    with browser.open(f"http://{client.address}/", width=width, height=900) as tab:
        assert pool.call("scale", "3", "--no-wait").returncode == 0
        tab.until(lambda: "3 are crash-looping: " in tab.text("#findings"))
        said = tab.text("#findings").replace("\n", " ")
        assert re.search(
            r"▲ 3 are crash-looping: python\S*: can't open file '.*nosuch.py'.* · exit 2, next try in \d+s", said
        )
        assert tab.text("#sentence").endswith("not as wanted")
        counted = re.match(r"(\d+) deaths, (\d+) heal", tab.text("#summary"))
        # Hardly a replacement has been ready: on a slow machine one may be registered before it ends.
        assert counted is not None
        assert int(counted[2]) < int(counted[1]) / 3
        tab.until(lambda: re.fullmatch(r"in \d+s, exit 2", tab.text("#workers tr:first-child .cause")))
        cut_off = "(c => c.scrollWidth > c.clientWidth)(document.querySelector('#workers .cause'))"
        assert not tab.evaluate(cut_off)
        is_sound(tab, client)
    assert pool.stop() == 0


def test_it_asks_for_the_token(served: Served, browser: Browser) -> None:
    """When something is to be changed; a wrong one is said to be wrong; it is kept for this tab alone."""
    pool, client = served(2)
    with browser.open(f"http://{client.address}/") as tab:
        tab.until(lambda: len(rows(tab)) == 2)
        tab.click("#more")
        tab.until(lambda: tab.evaluate("document.querySelector('#ask').open"))
        type_token(tab, "wrong" * 9)
        tab.until(lambda: "That was not it" in tab.text("#wrong"))
        type_token(tab, token_of(pool))
        tab.until(lambda: not tab.evaluate("document.querySelector('#ask').open"))
        shows(tab, 3)
        pool.until_running(3)

        before = pool.pids()
        kill = "#workers tr:first-child td:last-child button"
        tab.click(kill)
        assert tab.text(kill) == "Sure?"
        tab.click(kill)
        pool.until_replaced(before, [0])
        tab.until(lambda: "asked to kill" in tab.text("#toast"))
        shows(tab, 3)
        is_sound(tab, client, told_of=("401 (Unauthorized)",))


def type_token(tab: Tab, token: str) -> None:
    """Give it, and send it off."""
    tab.evaluate(f"document.querySelector('#token').value = {json.dumps(token)}")
    tab.evaluate("document.querySelector('#ask-form').requestSubmit()")


def test_many_workers(served: Served, browser: Browser) -> None:
    """A part of them is in the table, and a filter finds the others."""
    pool, client = served(300)
    with browser.open(f"http://{client.address}/") as tab:
        tab.until(lambda: tab.text("#running") == "300")
        assert len(rows(tab)) == 100
        assert tab.text("#shown") == "100 shown of 300"
        assert tab.evaluate("document.querySelectorAll('#cells .cell').length") == 300
        tab.evaluate("""{
            const filter = document.querySelector('#filter');
            filter.value = 'slot 29';
            filter.dispatchEvent(new Event('input', { bubbles: true }));
        }""")
        assert sorted(rows(tab)) == sorted(["29", *(str(n) for n in range(290, 300))])
        is_sound(tab, client)
    assert pool.stop() == 0


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def test_hostile_text(served: Served, browser: Browser) -> None:
    """What workers write and register is text, and stays it, however long."""
    says = f"echo '{HOSTILE}'; echo {'x' * 3000}; exit 3"
    pool, client = served(0, ("sh", "-c", says))
    zookeeper = pool.client()
    zookeeper.create(
        f"/workers/{HOSTILE.replace('/', '_')}",
        json.dumps({"host": HOSTILE, "address": HOSTILE}).encode(),
        ephemeral=True,
    )
    with browser.open(f"http://{client.address}/", width=360, height=740) as tab:
        assert pool.call("scale", "3", "--no-wait").returncode == 0
        tab.until(lambda: any("waits" in text for text in tab.texts("#events li")))
        tab.until(lambda: tab.evaluate("document.querySelector('#events .said')?.textContent.includes('<img src=x')"))
        tab.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert tab.evaluate("document.querySelectorAll('main img, main script').length") == 0
        tab.until(lambda: tab.text("#sentence").endswith("not as wanted"))
        is_sound(tab, client)


def test_an_agent_that_has_gone_and_come_back(served: Served, browser: Browser) -> None:
    """The page says so, keeps what it knew, and goes on with the next agent there."""
    pool, client = served(2)
    with browser.open(f"http://{client.address}/") as tab:
        tab.until(lambda: len(rows(tab)) == 2)
        pool.kill_agent()
        tab.until(lambda: "does not answer" in tab.text("#link"))
        assert len(rows(tab)) == 2
        served(2, where=client.address)
        tab.until(lambda: tab.text("#link").endswith("live"))
        tab.until(lambda: any("adopted" in text for text in tab.texts("#events li")))
        tab.until(lambda: not tab.evaluate("document.body.classList.contains('away')"))


def test_it_can_be_used_without_seeing(served: Served, browser: Browser) -> None:
    """Landmarks, names for everything that can be pressed, and what changes is told politely."""
    _, client = served(2)
    with browser.open(f"http://{client.address}/") as tab:
        tab.until(lambda: len(rows(tab)) == 2)
        nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
        roles: dict[str, list[str]] = {}
        for node in nodes:
            if not node.get("ignored"):
                roles.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
        assert {"banner", "main", "contentinfo", "table", "searchbox", "status"} <= set(roles)
        assert all(roles["button"])
        assert "Kill the worker in slot 1" in roles["button"]
        assert roles["searchbox"] == ["Filter workers"]
        assert {"The pool now", "Deaths and heals", "Workers", "Events", "Agents"} <= set(roles["region"])
        assert tab.evaluate("document.querySelector('#sentence').getAttribute('aria-live')") == "polite"
