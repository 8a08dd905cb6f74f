"""The live page in a real Chromium, over the real store, journals and sidecar."""

import json
import struct
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tests.page.browser import Browser, Theme
from tests.page.conftest import EVERY_SECOND
from tests.page.recorded_day import anomaly_event, recorded_day
from tests.support.live import LiveHome, Running, live_home, running
from tests.support.waiting import promised

pytestmark = [pytest.mark.slow, pytest.mark.node]

SKILL_LINKS = "#skill-table tbody th a"
PNG = b"\x89PNG\r\n\x1a\n"


def show(browser: Browser, served: Running, view: str = "", theme: Theme = "light") -> None:
    """Open the page and wait until it has its first figures."""
    browser.open(f"http://127.0.0.1:{served.port}/{view}", theme=theme)
    browser.wait_for_text("#status", "Live")
    browser.wait("!document.querySelector('#tiles .value').innerText.includes('\\u2013')")


def show_day(browser: Browser, served: Running, view: str = "", theme: Theme = "light") -> None:
    """Open the page on a whole day with an anomaly."""
    served.home.acknowledge(*recorded_day(), anomaly_event())
    served.home.settled()
    show(browser, served, view, theme)
    browser.wait_for_text("#anomalies", "db-migrate")


def test_a_recorded_use_is_seen_within_two_intervals(browser: Browser, served: Running) -> None:
    show(browser, served)
    began = time.monotonic()
    served.home.use("review", project="/home/ada/webshop")
    browser.wait_for_text("#skill-table tbody", "review")
    browser.wait_for_text("#use-list", "completed, inferred · webshop")
    assert time.monotonic() - began < promised(2 * EVERY_SECOND)


def test_a_rate_is_never_shown_without_what_it_is_over(browser: Browser, served: Running) -> None:
    served.home.acknowledge(*recorded_day())
    served.home.settled()
    show(browser, served)
    browser.wait_for_text("#skill-table tbody", "changelog-polisher")
    rows = browser.texts("#skill-table tbody tr")
    assert any("100 %" in row and "9 of 9 · 70\N{EN DASH}100 %" in row for row in rows)
    assert any("changelog-polisher" in row and "0 of 3 · 0\N{EN DASH}56 %" in row for row in rows)


def test_an_anomaly_is_highlighted_while_it_lasts(browser: Browser, served: Running) -> None:
    served.home.acknowledge(*recorded_day())
    show(browser, served)
    browser.wait_for_text("#skill-table tbody", "db-migrate")
    assert browser.texts(".anomaly") == []
    raised = anomaly_event()
    served.home.acknowledge(raised)
    browser.wait_for_text(".anomaly.fresh", "Completes less often")
    browser.wait_for_text("tr.odd", "db-migrate")
    said = browser.evaluate("document.querySelector('#announcement').textContent")
    assert said == "New anomaly. db-migrate: Completes less often, 56 %, usually 91 %"
    over = {"id": uuid4(), "kind": "anomaly_resolved", "resolved_at": datetime.now(UTC)}
    served.home.acknowledge(raised.model_copy(update=over))
    browser.wait_for_text("#anomaly-none", "Nothing out of the ordinary")
    assert browser.texts("tr.odd") == []


def test_skills_are_filtered_by_name(browser: Browser, served: Running) -> None:
    show_day(browser, served)
    browser.fill("#filter-skill", "COM")
    browser.wait(f"document.querySelectorAll('{SKILL_LINKS}').length === 2")
    assert browser.texts(SKILL_LINKS) == ["commit-message", "frontend:component"]
    assert set(browser.texts("#use-list .name")) <= {"commit-message", "frontend:component"}
    assert browser.texts("#tiles .value")[0] == "57"
    browser.wait_for_text("#chart-readout", "57 uses")
    browser.fill("#filter-skill", "polisher")
    browser.wait_for_text("#tiles", "0 of 3 · 0\N{EN DASH}56 %")
    browser.fill("#filter-skill", "no such skill")
    browser.wait_for_text("#skills-none", "No skill matches")


def test_with_a_project_chosen_every_figure_is_that_project_s(browser: Browser, served: Running) -> None:
    for number in range(3):
        served.home.use("review", project="/home/ada/webshop", duration_seconds=10.0 + number)
    served.home.use("review", project="/home/ada/billing", outcome="failed", duration_seconds=500.0)
    served.home.use("deploy", project="/home/ada/billing")
    show(browser, served)
    browser.wait("document.querySelectorAll('#filter-project option').length === 3")
    assert sorted(browser.texts("#use-list .name")) == ["deploy", "review", "review", "review", "review"]
    assert browser.texts("#tiles .value")[0] == "5"
    browser.choose("#filter-project", "/home/ada/webshop")
    browser.wait_for_text("#chart-readout", "3 uses")
    assert browser.texts(SKILL_LINKS) == ["review"]
    assert browser.texts("#use-list .name") == ["review"] * 3
    assert browser.texts("#tiles .value")[:3] == ["3", "100 %", "12 s"]
    row = browser.texts("#skill-table tbody tr")[0]
    assert "3 of 3" in row
    assert "12 s" in row
    served.home.use("deploy", project="/home/ada/billing")
    served.home.use("review", project="/home/ada/webshop", duration_seconds=10.0)
    browser.wait_for_text("#chart-readout", "4 uses")
    assert browser.texts(SKILL_LINKS) == ["review"]
    browser.click(SKILL_LINKS)
    browser.wait_for_text("h1", "review")
    browser.wait_for_text("#tiles", "4 of 4")
    browser.choose("#filter-project", "")
    browser.wait_for_text("#tiles", "4 of 5")
    browser.click("#back a")
    browser.wait_for_text("#skill-table tbody", "deploy")
    browser.wait("document.querySelector('#tiles .value').innerText === '7'")


def test_one_agent_s_or_one_user_s_uses_can_be_looked_at_where_there_are_several(
    browser: Browser, served: Running
) -> None:
    served.home.use("review", user_id="a" * 64)
    show(browser, served)
    browser.wait_for_text("#skill-table tbody", "review")
    assert browser.texts("#filters label span") == ["Skill", "Project"]
    served.home.use("deploy", agent="codex", user_id="b" * 64, outcome="failed")
    served.home.use("review", agent="codex", user_id="b" * 64)
    browser.wait("document.querySelectorAll('#filters label:not([hidden])').length === 4")
    browser.choose("#filter-agent", "codex")
    browser.wait_for_text("#filter-note", "Uses by codex alone")
    browser.wait_for_text("#tiles", "1 of 2")
    assert sorted(browser.texts("#use-list .name")) == ["deploy", "review"]
    served.home.use("review", user_id="b" * 64)
    browser.choose("#filter-agent", "")
    browser.choose("#filter-user_id", "b" * 64)
    browser.wait_for_text("#filter-note", "Uses of user bbbbbbbbbb alone")
    browser.wait_for_text("#tiles", "2 of 3")
    assert sorted(browser.texts("#use-list .name")) == ["deploy", "review", "review"]
    assert browser.violations() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_panels_of_the_dashboard_are_shown_by_a_link(
    browser: Browser, served: Running, theme: Theme
) -> None:
    show_day(browser, served, theme=theme)
    browser.evaluate("document.querySelector('footer a').focus()")
    browser.press("Enter")
    browser.wait_for_text("h1", "Grafana dashboard")
    browser.wait("document.querySelector('#dashboard img').naturalWidth > 0")
    assert browser.evaluate("document.activeElement.id") == "title"
    assert browser.texts("#filters, #tiles, #skill-table, #picture") == []
    assert browser.violations() == []
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.id") == "dashboard-picture"
    browser.click("#back a")
    browser.wait_for_text("#skill-table tbody", "code-review")
    assert browser.texts("#dashboard") == []


def test_an_empty_record_says_how_it_begins(browser: Browser, served: Running) -> None:
    show(browser, served)
    browser.wait_for_text("#skills-begin", "session-buddy install claude")
    served.home.use("review")
    browser.wait_for_text("#skill-table tbody", "review")
    assert browser.texts("#skills-begin") == []


def test_skills_are_sorted_by_a_column(browser: Browser, served: Running) -> None:
    show_day(browser, served)
    assert browser.texts(SKILL_LINKS)[0] == "code-review"
    browser.click("th[data-sort=completion_rate] button")
    browser.wait_for_text("tbody tr:first-child", "release-notes")
    browser.click("th[data-sort=completion_rate] button")
    browser.wait_for_text("tbody tr:first-child", "changelog-polisher")
    assert browser.evaluate("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "ascending"


def test_a_skill_has_a_view_of_its_own(browser: Browser, served: Running) -> None:
    show_day(browser, served)
    browser.evaluate("document.querySelector('a[href=\"#skill=frontend%3Acomponent\"]').focus()")
    browser.press("Enter")
    browser.wait_for_text("h1", "frontend:component")
    browser.wait_for_text("#chart-readout", "16 uses")
    assert browser.evaluate("document.activeElement.id") == "title"
    assert browser.evaluate("document.title") == "frontend:component · session-buddy"
    assert browser.texts("#tiles .value")[0] == "16"
    assert browser.texts("#skill-table") == browser.texts(".anomaly") == []
    served.home.use("frontend:component", project="/home/ada/newshop")
    browser.wait_for_text("#use-list li:first-child", "newshop")
    browser.wait_for_text("#chart-readout", "17 uses")
    browser.click("#back a")
    browser.wait_for_text("h1", "Skills")


def test_the_view_of_a_skill_that_nobody_used_says_so(browser: Browser, served: Running) -> None:
    show(browser, served, "#skill=never")
    browser.wait_for_text("#uses-none", "None yet")
    assert browser.texts("#tiles .value")[0] == "0"


def test_the_window_can_be_changed_and_is_kept(browser: Browser, served: Running) -> None:
    show_day(browser, served)
    whole = int(browser.texts("#tiles .value")[0])
    browser.evaluate("document.querySelector('input[name=hours][value=\"1\"]').click()")
    browser.wait_for_text("#tiles", "last hour")
    browser.wait(f"Number(document.querySelector('#tiles .value').innerText) < {whole}")
    browser.evaluate("location.reload()")
    browser.wait_for_text("#tiles", "last hour")
    assert browser.evaluate("document.querySelector('input[name=hours]:checked').value") == "1"


def test_what_a_skill_is_called_is_shown_and_never_run(browser: Browser, served: Running) -> None:
    name = "<img src=x onerror=\"document.title='run'\">\u202e&amp;"
    served.home.use(name, project="<b>shop</b>", error_type="<script>document.title='run'</script>")
    show(browser, served)
    browser.wait_for_text("#skill-table tbody", name)
    browser.click(SKILL_LINKS)
    browser.wait_for_text("h1", name)
    browser.wait_for_text("#use-list", "<script>")
    assert browser.evaluate("document.title").startswith(name)
    assert browser.evaluate("document.querySelectorAll('main img, main script, main b').length") == 0


@pytest.mark.parametrize("view", ["", "#skill=db-migrate"], ids=["overview", "skill"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, served: Running, theme: Theme, view: str) -> None:
    show_day(browser, served, view, theme)
    browser.wait_for_text("#use-list", "·")
    browser.evaluate("document.querySelector('details').open = true")
    assert browser.violations() == []


def test_axe_finds_nothing_on_an_empty_page(browser: Browser, served: Running) -> None:
    show(browser, served)
    assert browser.violations() == []


def test_the_theme_is_that_of_the_system_until_one_is_chosen(browser: Browser, served: Running) -> None:
    def background() -> str:
        found: str = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        return found

    show(browser, served, theme="dark")
    dark = background()
    browser.prefer("light")
    browser.wait_for_text("#theme", "Dark theme")
    light = background()
    assert light != dark
    browser.click("#theme")
    browser.wait_for_text("#theme", "Light theme")
    assert background() == dark
    browser.evaluate("location.reload()")
    browser.wait_for_text("#status", "Live")
    assert background() == dark


def test_the_keyboard_reaches_everything_in_order(browser: Browser, served: Running) -> None:
    served.home.use("review")
    show(browser, served)
    browser.wait_for_text(SKILL_LINKS, "review")
    reached = []
    for _ in range(16):
        browser.press("Tab")
        reached.append(
            browser.evaluate("document.activeElement.innerText || document.activeElement.id || ''")
        )
        outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or reached[-1] == "", reached
    assert reached[:2] == ["Skip to the figures", "session-buddy"]
    wanted = ["Save PNG", "Dark theme", "filter-skill", "The same as a table", "Uses", "review"]
    assert [name for name in reached if name in wanted][: len(wanted)] == wanted


@pytest.mark.parametrize("view", ["", "#skill=db-migrate"], ids=["overview", "skill"])
def test_the_view_is_saved_as_a_picture(browser: Browser, served: Running, view: str) -> None:
    show_day(browser, served, view)
    browser.wait_for_text("#use-list", "·")
    name, content = browser.download("#picture")
    width, height = struct.unpack(">II", content[16:24])
    assert name == ("session-buddy-db-migrate.png" if view else "session-buddy-skills.png")
    assert content.startswith(PNG)
    assert width == 2200
    assert height > 1000
    assert len(content) > 40_000


def test_a_feed_with_a_secret_asks_for_a_token(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from session_buddy.serve.access import make_token

    secret = "long enough to sign tokens of the tests"
    home: LiveHome
    with live_home(tmp_path_factory.mktemp("home"), feed_secret=secret) as home, running(home) as served:
        home.use("review")
        browser.open(f"http://127.0.0.1:{served.port}/")
        browser.wait_for_text("#status", "Needs a token")
        assert browser.violations() == []
        browser.fill("#token-text", make_token("another secret that is long enough too", 60))
        browser.press("Enter")
        browser.wait_for_text("#token-problem", "forged or has expired")
        browser.fill("#token-text", make_token(secret, 60))
        browser.press("Enter")
        browser.wait_for_text("#skill-table tbody", "review")
        assert browser.texts("#token") == []


def test_an_experiment_is_shown_with_its_groups_and_conclusion(browser: Browser, served: Running) -> None:
    groups = [
        {"group_name": "control", "strategy": "repeat_last", "unit_count": 61, "outcome_count": 70}
        | {"value": 0.75, "difference": None, "lower": None, "upper": None},
        {"group_name": "treatment", "strategy": "markov_blend", "unit_count": 59, "outcome_count": 66}
        | {"value": 0.925, "difference": 0.175, "lower": 0.066, "upper": 0.284},
    ]
    row = {
        "test_name": "blend <b>",
        "status": "completed",
        "decision": "treatment_better",
        "winner_strategy": "markov_blend",
        "promoted": True,
        "metric": "completion_rate",
        "unit": "session",
        "conclusion": "markov_blend is better than repeat_last.",
        "groups": groups,
    }
    served.home.live.show_experiments(json.dumps([row]))
    show(browser, served)
    browser.wait_for_text("#experiments", "blend <b>")
    (text,) = browser.texts("#experiment-list > li")
    assert "completed, promoted" in text
    assert "control, repeat_last: 75.0 % of 70 outcomes, 61 sessions" in text
    assert "treatment, markov_blend: 92.5 % of 66 outcomes, 59 sessions; +17.5 points (+6.6 points" in text
    assert "markov_blend is better than repeat_last." in text


def test_experiments_are_hidden_while_the_feed_has_none(browser: Browser, served: Running) -> None:
    show(browser, served)
    assert browser.texts("#experiments") == []
    assert (
        json.loads(browser.evaluate("JSON.stringify(document.querySelector('#experiments').hidden)")) is True
    )
