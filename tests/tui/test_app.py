"""What keys do, and what is asked of the pool for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from textual.events import MouseScrollDown
from textual.widgets import Input

from autohealer.runtime.dashboard import DETACHED
from autohealer.tui.pools import PoolsOfHost, PoolSummary
from autohealer.tui.screens.help import Help
from autohealer.tui.screens.output import OutputScreen
from autohealer.tui.screens.pool import PoolScreen
from autohealer.tui.screens.pools import PoolsScreen
from autohealer.tui.screens.question import Question
from autohealer.tui.screens.worker import WorkerScreen
from autohealer.tui.source import News
from autohealer.tui.state import PoolState
from autohealer.tui.widgets.output import OutputPanel
from autohealer.tui.widgets.pools import PoolsPanel
from autohealer.tui.widgets.workers import WorkersTable
from autohealer.views.reading import record_of
from autohealer.views.status import Changes, WatchedStatus, WorkerRow
from tests.tui import scenes
from tests.tui.conftest import Scene, Show, output_of


def test_it_chooses_and_asks_before_it_kills(show: Show) -> None:
    """Arrows and letters move; `n` and Escape do nothing; `y` and Enter do it."""

    async def play() -> None:
        async with show(scenes.healthy(5)) as shown:
            await shown.press("down", "j", "k", "x")
            assert isinstance(shown.app.screen, Question)
            assert "Kill worker 1 (pid 48201)?" in shown.text()
            await shown.press("n")
            await shown.press("x", "escape")
            assert shown.source.asked == []
            await shown.press("x", "y")
            await shown.press("end", "x", "enter")
            assert shown.source.asked == [
                ("kill", f"{scenes.AGENT}-1-00001"),
                ("kill", f"{scenes.AGENT}-4-00004"),
            ]

    asyncio.run(play())


def test_a_slot_without_a_process_cannot_be_killed(show: Show) -> None:
    """It is said, and nothing is asked."""

    async def play() -> None:
        async with show(scenes.broken(3)) as shown:
            await shown.press("x")
            assert isinstance(shown.app.screen, PoolScreen)
            assert "slot 0 has no process now" in shown.text()

    asyncio.run(play())


def test_scale_asks_about_the_number(show: Show) -> None:
    """Further presses change it; `n` leaves the target as it is."""

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            await shown.press("plus", "plus", "plus", "minus")
            assert "Scale from 3 to 5 workers?" in shown.text()
            await shown.press("enter")
            await shown.press("minus", "minus", "minus", "minus", "minus")
            assert "Scale from 3 to 0 workers?" in shown.text()
            await shown.press("n", "plus", "minus", "y")
            assert shown.source.asked == [("scale", "5")]

    asyncio.run(play())


def test_detach_asks_and_leaves_the_rest_to_the_agent(show: Show) -> None:
    """By its exit code."""

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            await shown.press("d", "n")
            assert shown.app.return_value is None
            await shown.press("d")
            assert "Detach from pool web?" in shown.text()
            await shown.press("y")
            outcome = shown.app.return_value
            assert outcome is not None
            assert outcome.code == DETACHED
            assert shown.source.asked == []

    asyncio.run(play())


def test_restart_and_stop_ask(show: Show) -> None:
    """Both concern all of the pool, and say so."""

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            await shown.press("r")
            assert "Restart all 3 workers, one after the other?" in shown.text()
            await shown.press("y", "q")
            assert "Stop pool web?" in shown.text()
            assert "3 workers and their agent end." in shown.text()
            await shown.press("y")
            assert shown.source.asked == [("restart", ""), ("stop", "")]

    asyncio.run(play())


def test_one_of_several_pools_is_stopped_alone(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its agent has others to go on with, and the question says so."""
    monkeypatch.setattr(PoolsOfHost, "beside", lambda _self, _name: ["other"])

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            await shown.press("escape", "q")
            assert "3 workers of it end; the other pools of this agent go on." in shown.text()

    asyncio.run(play())


@pytest.mark.parametrize("key", ["q", "d"])
def test_top_is_left_without_a_question(show: Show, key: str) -> None:
    """Nothing ends but what is seen, and the line of keys says so."""

    async def play() -> None:
        async with show(scenes.healthy(3), leaves=True) as shown:
            assert "q leave" in shown.lines()[-1]
            await shown.press(key)
            assert shown.source.asked == []
            assert shown.app.return_value.code == 0

    asyncio.run(play())


def test_ctrl_q_does_nothing(show: Show) -> None:
    """Textual's own way out would be a slip of the finger."""

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            await shown.press("ctrl+q")
            assert shown.app.is_running
            assert shown.app.return_value is None

    asyncio.run(play())


def test_filter(show: Show) -> None:
    """By slot, state and cause; Escape clears it; letters that are keys elsewhere are text here."""

    async def play() -> None:
        async with show(scenes.broken(9)) as shown:
            await shown.press("slash", *"backoff")
            assert isinstance(shown.app.focused, Input)
            await shown.press("enter")
            assert "workers 3 of 9" in shown.text()
            await shown.press("escape", "slash", *"exit 1", "enter")
            assert "workers 2 of 9" in shown.text()
            await shown.press("slash", "escape", "slash", *"4", "enter")
            assert "workers 1 of 9" in shown.text()
            await shown.press("escape")
            assert "workers 9" in shown.text()

    asyncio.run(play())


def test_what_is_in_trouble_first(show: Show) -> None:
    """`s` sorts; the chosen row stays the chosen one."""

    async def play() -> None:
        scene = scenes.healthy(20)
        scene[0]["workers"][17] |= {"state": "backoff", "pid": None, "ready": None}
        async with show(scene, size=(80, 20)) as shown:
            await shown.press("s")
            assert "by trouble" in shown.text()
            assert any(" 17 ▲ backoff" in line for line in shown.lines())

    asyncio.run(play())


def test_the_screen_of_a_worker(show: Show, tmp_path: Path) -> None:
    """Facts, story and output, which follows what is written."""
    log = output_of(tmp_path) / "slot-1.log"
    log.write_text("first line\n")

    async def play() -> None:
        async with show(scenes.healthy(3), size=(120, 40)) as shown:
            await shown.press("down", "enter")
            assert isinstance(shown.app.screen, WorkerScreen)
            output = shown.app.screen.query_one(OutputPanel)
            await until(lambda: "first line" in shown.text())
            text = shown.text()
            assert all(word in text for word in ("● running", "ready", "pid 48201", "revision r3", "story"))
            with log.open("a") as file:
                file.write("second\x1b[31m line\n")
            await until(lambda: "second line" in shown.text())
            await shown.press("l")
            assert "story" not in shown.text()
            assert output.has_focus
            await shown.press("escape")
            assert isinstance(shown.app.screen, PoolScreen)

    asyncio.run(play())


def test_all_output(show: Show, tmp_path: Path) -> None:
    """Merged, each line with its slot."""
    for slot in range(3):
        (output_of(tmp_path) / f"slot-{slot}.log").write_text(f"said by {slot}\n")

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            await shown.press("L")
            assert isinstance(shown.app.screen, OutputScreen)
            await until(lambda: "2 ▌ said by 2" in shown.text())
            assert "ALL AS WANTED" in shown.text()

    asyncio.run(play())


def test_a_pool_that_has_ended_is_no_end_of_the_dashboard(show: Show) -> None:
    """It was on the list a moment ago: it is said, and the others can be chosen."""

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            await shown.press("p")
            assert isinstance(shown.app.screen, PoolsScreen)
            shown.app.show_pool("gone")
            await until(lambda: isinstance(shown.app.screen, PoolsScreen))
            assert shown.app.said.startswith("no agent of pool gone answers")
            assert shown.app.return_value is None

    asyncio.run(play())


def test_help_names_every_key(show: Show) -> None:
    """It is made from the bindings."""

    async def play() -> None:
        async with show(scenes.healthy(3), size=(100, 120)) as shown:
            await shown.press("question_mark")
            assert isinstance(shown.app.screen, Help)
            text = shown.text()
            for words in ("kill the chosen worker", "restart all workers", "stop the pool, on every host", "search",
                          "backoff"):  # fmt: skip
                assert words in text
            await shown.press("escape")
            assert isinstance(shown.app.screen, PoolScreen)

    asyncio.run(play())


def test_a_click_chooses_and_a_second_opens(show: Show) -> None:
    """As one expects of a mouse; a click on a key presses it."""

    async def play() -> None:
        async with show(scenes.healthy(5)) as shown:
            await shown.pilot.click("#workers", offset=(10, 4))
            await shown.settle()
            assert any(line.startswith("│▌    2 ") for line in shown.lines())
            await shown.pilot.click("#workers", offset=(10, 4), times=2)
            await shown.settle()
            assert isinstance(shown.app.screen, WorkerScreen)
            await shown.press("escape")
            at = shown.lines()[-1].index("? help")
            await shown.pilot.click("#keys", offset=(at, 0))
            assert isinstance(shown.app.screen, Help)

    asyncio.run(play())


def test_changes_are_drawn(show: Show) -> None:
    """Rows that differ, rows that are gone, and the head."""

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            dead = msgspec.convert(scenes.crash_looping(1), WorkerRow)
            gone = shown.app.state.order[2]
            shown.source.hear(News(changes=Changes(workers=[dead], gone=[gone])))
            shown.app.state.status.running = 1
            await shown.settle()
            text = shown.text()
            assert "NOT AS WANTED" in text
            assert "1 ▲ backoff" in text
            assert "workers 2" in text

    asyncio.run(play())


def test_light_and_dark(show: Show) -> None:
    """`t` changes it, and all is drawn anew."""

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            assert shown.app.current_theme.dark
            await shown.press("t")
            assert not shown.app.current_theme.dark
            assert "ALL AS WANTED" in shown.text()

    asyncio.run(play())


async def until(probe: object) -> None:
    """Wait, letting the application go on."""
    assert callable(probe)
    for _ in range(2000):
        if probe():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never so")


def test_of_many_pools_those_in_trouble_come_first(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """The title counts them, and the first is chosen where all is well with the one that was shown."""

    async def check() -> None:
        async with show(scenes.healthy(3)) as shown:
            found = [summary("a", scenes.healthy(2)), summary("ill", scenes.broken(3)),
                     summary("web", scenes.healthy(3)), summary("mute", None)]  # fmt: skip
            monkeypatch.setattr(shown.app.pools, "look", lambda: found)
            await shown.press("p")
            panel = shown.app.screen.query_one(PoolsPanel)
            await until(lambda: bool(panel.found))

            assert [one.name for one in panel.found] == ["ill", "mute", "a", "web"]
            assert panel.border_title == "pools of this host: 2 of 4 not as wanted"
            assert panel.chosen == "ill"

    asyncio.run(check())


def test_one_of_several_pools_does_not_hide_the_others(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` with several opens on the list of them; `top` shows the one that was asked for."""

    async def check() -> None:
        async with show(scenes.healthy(3)) as shown:
            assert isinstance(shown.app.screen, PoolScreen)
        monkeypatch.setattr(PoolsOfHost, "beside", lambda _self, _name: ["other"])
        async with show(scenes.healthy(3)) as shown:
            assert isinstance(shown.app.screen, PoolsScreen)
            await shown.press("escape")
            assert isinstance(shown.app.screen, PoolScreen)
        async with show(scenes.healthy(3), leaves=True) as shown:
            assert isinstance(shown.app.screen, PoolScreen)

    asyncio.run(check())


@pytest.mark.parametrize(("restarts", "badge"), [(0, "STARTING"), (4, "HEALING")])
def test_what_is_on_its_way_is_told_as_that(show: Show, restarts: int, badge: str) -> None:
    """Neither at the start of a pool nor after a death is all of it called wrong for the moment that a start takes."""

    async def check() -> None:
        rows = [scenes.worker(0, state="starting", ready=None, restarts=restarts), scenes.worker(1)]
        async with show((scenes.status(rows), [])) as shown:
            assert f"◐ {badge}   1 of 2 running" in shown.text()

    asyncio.run(check())


def test_agents_of_one_host_are_told_apart(show: Show) -> None:
    """By their ids, in the headline, among the agents and beside each worker."""

    async def check() -> None:
        status, past = scenes.several(6)
        agents = [{**agent, "host": "web1"} for agent in status["agents"]]
        workers = [{**row, "agent": agents[slot % 3]["agent"]} for slot, row in enumerate(status["workers"])]
        async with show(({**status, "agents": agents, "workers": workers}, past), (120, 30)) as shown:
            text = shown.text()
            for agent in agents[:2]:
                assert f"{agent['agent']} 2/2" in text
                assert any(
                    line.startswith("│") and agent["agent"] in line.split("running")[0] for line in text.split("\n")
                )

    asyncio.run(check())


def summary(name: str, scene: Scene | None) -> PoolSummary:
    """A pool in a list of them; None: its agent does not answer."""
    if scene is None:
        return PoolSummary(name, 4711, None)
    state = PoolState()
    state.replace(msgspec.convert(scene[0], WatchedStatus), None)
    return PoolSummary(name, 4711, state)


@pytest.mark.parametrize(
    ("width", "seen"),
    [
        (60, "2 other pools: mail (0 of 1), bad (crash-looping)  p"),
        (120, "2 other pools not as wanted: mail (0 of 1), bad (crash-looping)  p shows them"),
    ],
)
def test_another_pool_that_goes_wrong_is_told_in_every_screen(
    show: Show, monkeypatch: pytest.MonkeyPatch, width: int, seen: str
) -> None:
    """On a line of its own, short where there is little room; `p` goes there."""
    down = scenes.status([scenes.worker(0, state="gone", ready=None)])
    found = [summary("bad", scenes.broken(3)), summary("mail", (down, [])), summary("mute", None),
             summary("well", scenes.healthy(3))]  # fmt: skip
    monkeypatch.setattr(PoolsOfHost, "look_beside", lambda _self, _name: found)
    monkeypatch.setattr(PoolsOfHost, "look", lambda _self: [*found, summary("web", scenes.healthy(3))])

    async def play() -> None:
        async with show(scenes.healthy(3), size=(width, 20)) as shown:
            await until(lambda: bool(shown.app.others))
            await shown.settle()
            assert seen in shown.text()
            assert "ALL AS WANTED" in shown.text()
            await shown.press("L")
            assert seen in shown.text()
            await shown.press("escape", "enter")
            assert "2 other pools not as wanted: p" in shown.text()
            await shown.press("p")
            panel = shown.app.screen.query_one(PoolsPanel)
            await until(lambda: bool(panel.found))
            assert panel.chosen == "bad"

    asyncio.run(play())


def test_a_narrow_list_of_pools_still_says_why(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong matters more than a gauge."""
    found = [summary("a-pool-with-a-very-long-name", scenes.broken(3)), summary("web", scenes.healthy(1000))]
    monkeypatch.setattr(PoolsOfHost, "look", lambda _self: found)

    async def play() -> None:
        async with show(scenes.healthy(3), size=(60, 15)) as shown:
            await shown.press("p")
            await until(lambda: "a-pool" in shown.text())
            assert "2 of 3  ▲ slot 0 is crash-looping" in shown.text()
            assert "1,000 of 1,000  ● all as wanted" in shown.text()

    asyncio.run(play())


def test_the_list_of_pools_is_paged_and_wheeled(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty pools in a small terminal; the border tells which of them are in view."""
    found = [summary(f"p{number:02}", scenes.healthy(1)) for number in range(30)]
    monkeypatch.setattr(PoolsOfHost, "look", lambda _self: found)

    async def play() -> None:
        async with show(scenes.healthy(3), size=(60, 15)) as shown:
            await shown.press("p")
            panel = shown.app.screen.query_one(PoolsPanel)
            await until(lambda: bool(panel.found))
            await shown.press("pagedown")
            assert panel.chosen == "p11"
            await shown.pilot._post_mouse_events([MouseScrollDown], "#pools", offset=(5, 5))
            await shown.settle()
            assert panel.chosen == "p14"
            assert "5-15 of 30" in shown.text()

    asyncio.run(play())


def test_help_stays_on_the_line_of_keys(show: Show) -> None:
    """Where not all keys have room there, help is what names the others."""

    async def play() -> None:
        async with show(scenes.healthy(3), size=(60, 15)) as shown:
            for keys in (("enter",), ("escape", "L"), ("escape", "p")):
                await shown.press(*keys)
                assert "? help" in shown.lines()[-1]

    asyncio.run(play())


def test_keys_and_clicks_order_the_workers(show: Show) -> None:
    """`s` goes on to the next order, `S` turns it round, a click on a title does both; the border tells which it is."""

    async def play() -> None:
        async with show(scenes.healthy(5), size=(100, 24)) as shown:
            table = shown.app.screen.query_one(WorkersTable)
            await shown.press("s", "s")
            assert "workers 5 by uptime ▼" in shown.text()
            await shown.press("S")
            assert "workers 5 by uptime ▲" in shown.text()
            titles = next(line for line in shown.lines() if " restarts " in line)
            for _ in range(2):
                await shown.pilot.click("#workers", offset=(titles.index("memory") + 1, 1))
                await shown.settle()
            assert "workers 5 by memory ▲" in shown.text()
            assert (table.ordered_by, table.chosen) == ("memory", shown.app.state.order[0])

    asyncio.run(play())


def test_the_next_worker_in_trouble(show: Show) -> None:
    """`n` finds it among a thousand, `N` goes back, both round the end; where there is none that is said."""

    async def play() -> None:
        scene = scenes.healthy(1000)
        for slot in (500, 900):
            scene[0]["workers"][slot] |= {"state": "backoff", "pid": None, "ready": None}
        async with show(scene, size=(100, 24)) as shown:
            table = shown.app.screen.query_one(WorkersTable)
            assert "2 in trouble: n, 1-" in shown.text()
            seen = []
            for key in ("n", "n", "n", "N"):
                await shown.press(key)
                assert table.worker is not None
                seen.append(table.worker.slot)
            assert seen == [500, 900, 500, 900]
            assert "▌  900 ▲ backoff" in shown.text()
        async with show(scenes.healthy(3)) as shown:
            await shown.press("n")
            assert "no worker is in trouble" in shown.text()

    asyncio.run(play())


def test_the_output_of_the_chosen_worker_is_seen_beside_the_table(show: Show, tmp_path: Path) -> None:
    """Where there is room: it follows the choice. Where there is none, the table matters more."""
    for slot in range(3):
        (output_of(tmp_path) / f"slot-{slot}.log").write_text(f"said by {slot}\n")

    async def play() -> None:
        async with show(scenes.healthy(3), size=(120, 40)) as shown:
            await until(lambda: "said by 0" in shown.text())
            await shown.press("down", "down")
            await until(lambda: "said by 2" in shown.text())
            assert "output of slot 2" in shown.text()
            assert "said by 0" not in shown.text()
            await shown.press("tab", "tab", "w")
            assert "1 line, follows, wraps" in shown.text()
        async with show(scenes.healthy(3), size=(80, 24)) as shown:
            assert "output of slot" not in shown.text()

    asyncio.run(play())


def test_events_alone(show: Show) -> None:
    """`e` gives them the screen; who scrolls back keeps what is in view, whatever comes; Escape gives it back."""

    async def play() -> None:
        async with show(scenes.healthy(5), size=(80, 24)) as shown:
            await shown.press("e")
            assert "workers 5" not in shown.text()
            await shown.press("home")
            first = shown.lines()[4]
            assert "connected to ZooKeeper" in first
            assert "later ones: End" in shown.text()
            for number in range(30):
                told = {"time": scenes.at(0), "event": "target.changed", "target": number}
                shown.source.hear(News(event=record_of(told)))
            await shown.settle()
            assert shown.lines()[4] == first
            await shown.press("end")
            assert "later one" not in shown.text()
            await shown.press("escape")
            assert "workers 5" in shown.text()

    asyncio.run(play())


def test_help_begins_with_the_keys_of_this_screen(show: Show) -> None:
    """Somebody who asks on an output does not look for the keys of the list."""

    async def play() -> None:
        async with show(scenes.healthy(3), size=(60, 15)) as shown:
            for keys, title in (((), "Pool"), (("enter",), "Worker"), (("escape", "L"), "Output")):
                await shown.press(*keys, "question_mark")
                box = [line.strip("│ ") for line in shown.lines()[1:5]]
                assert title in box
                await shown.press("escape")

    asyncio.run(play())


def test_what_came_of_a_key_is_said_on_the_screen_of_a_worker_too(show: Show) -> None:
    """On its border."""

    async def play() -> None:
        async with show(scenes.healthy(3)) as shown:
            await shown.press("enter", "x", "y")
            assert "kill done" in shown.text()

    asyncio.run(play())
