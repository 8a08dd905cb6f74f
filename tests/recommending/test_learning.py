"""Learning keeps up with the record, and learns anew where that alone gives what the record says."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from session_buddy.analytics.suggesting.context import Context
from session_buddy.analytics.suggesting.strategies import STRATEGIES
from session_buddy.errors import StorageError
from session_buddy.ingest.journal import JournalFile
from session_buddy.models.events import SkillEvent
from session_buddy.models.ids import hashed_id
from session_buddy.models.values import Caller, ForgetRequest, PastUse
from session_buddy.models.weights import KeptWeights
from session_buddy.services import InvocationReport, Services
from session_buddy.services import learning as learning_module
from session_buddy.services.learned import BLURRED_SECONDS, Learned
from session_buddy.services.recommending import Asked
from session_buddy.storage.answers import StoredAnswers
from session_buddy.storage.weights_file import WEIGHTS, WeightsFile
from tests.support.live import ended_now
from tests.support.services import open_services
from tests.support.waiting import wait_for

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CALLER = Caller(connection_id="c1", session_id="now", project="/shop")


def past(skill: str, seconds: float, **fields: object) -> PastUse:
    values = {
        "invocation_id": uuid4(),
        "skill_name": skill,
        "session_id": "morning",
        "project": "/shop",
        "user_id": "u",
        "invoked_at": START + timedelta(seconds=seconds),
        "workflow_phase": "unknown",
        "completed": True,
        "duration_seconds": 5.0,
    }
    return PastUse(**values | fields)


def test_a_use_counts_once_however_often_it_is_told_of() -> None:
    learned = Learned({})
    use = past("test", 0, completed=None, duration_seconds=None)
    for completed, duration in ((None, None), (True, 5.0), (True, 5.0)):
        learned.take(use._replace(completed=completed, duration_seconds=duration))
    assert (learned.uses, learned.decided("test"), learned.history("morning")) == (1, 1, ("test",))
    assert learned.expected_seconds("test") == 5
    assert not learned.stale


def test_an_outcome_that_changes_makes_what_was_learned_stale() -> None:
    learned = Learned({})
    use = past("test", 0)
    learned.take(use)
    learned.take(use._replace(completed=False))
    assert learned.stale


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_learned_alone_says_the_same(name: str) -> None:
    random = Random(11)
    whole, alone = Learned({"plan": "plans the work"}, "me"), Learned({"plan": "plans the work"}, "me", name)
    for number in range(60):
        place = random.randrange(3)
        outcome = random.choice((True, True, False, None))
        use = past(
            random.choice("abcde"),
            60 * number,
            session_id=f"s{place}",
            user_id=f"u{place}",
            completed=outcome,
        )
        whole.take(use)
        alone.take(use)
        history = whole.history(use.session_id)
        assert alone.history(use.session_id) == history
        context = Context(history or (), use.project, use.user_id or "")
        assert alone.strategies[name].rank(context) == whole.strategies[name].rank(context)
    names = ("plan", *"abcde")
    assert [*map(alone.worth_suggesting, names)] == [*map(whole.worth_suggesting, names)]


def test_history_that_arrives_late_makes_it_stale_and_what_runs_side_by_side_does_not() -> None:
    learned = Learned({})
    learned.take(past("test", 2 * BLURRED_SECONDS))
    learned.take(past("lint", 2 * BLURRED_SECONDS - 60, session_id="beside"))
    assert not learned.stale
    learned.take(past("plan", 0))
    assert learned.stale


def test_a_use_that_was_none_makes_it_stale() -> None:
    learned = Learned({})
    use = past("test", 0)
    learned.withdraw(use.invocation_id)
    assert not learned.stale
    learned.take(use)
    learned.withdraw(use.invocation_id)
    assert learned.stale


def test_outcomes_are_predicted_before_they_are_learned() -> None:
    learned = Learned({})
    for number in range(10):
        learned.take(past("test", number))
    score = learned.score.summary()
    assert score is not None
    assert score.prediction_count == 10
    first = Learned({})
    first.take(past("test", 0))
    alone = first.score.summary()
    assert alone is not None
    assert alone.brier == 0.25


@pytest.mark.slow
def test_one_after_the_other_gives_what_learning_all_anew_gives(tmp_path: Path) -> None:
    """What a leader learned use by use, and what the next one learns from the database."""
    asked = Asked(recent_skills=["plan"], remember=False, limit=20)
    answers = []
    with open_services(tmp_path / "home") as services:
        services.recommender.epsilon = 0.0
        services.recommender.learning.loaded(10)
        for number in range(30):
            began = datetime.now(UTC) - timedelta(minutes=40 - number)
            report = InvocationReport(
                skill_name=("plan", "test", "commit")[number % 3],
                completed=number % 5 > 0,
                session_id=f"s{number // 6}",
                invoked_at=began,
            )
            services.recorder.record_invocation(report, CALLER)
        answers.append(services.recommender.suggest(asked, CALLER))
    with open_services(tmp_path / "home") as services:
        services.recommender.epsilon = 0.0
        answers.append(services.recommender.suggest(asked, CALLER))
    first, second = answers
    assert [found.model_dump(exclude={"success_probability"}) for found in first.suggestions] == [
        found.model_dump(exclude={"success_probability"}) for found in second.suggestions
    ]


def habits(count: int, first: int = 0) -> list[SkillEvent]:
    """Uses of somebody who goes by the project at first and by the session later."""
    chance, events = Random(5), []
    began = datetime.now(UTC) - timedelta(minutes=50)
    for number in range(first + count):
        within, session = number % 6, number // 6
        likely = ("plan", "test", "commit")[within % 3] if number < 60 else f"skill-{session % 4}"
        skill = chance.choice([likely, likely, likely, "lint", "review"])
        event = ended_now(
            skill,
            now=began + timedelta(seconds=number),
            id=hashed_id("habits", str(number), "event"),
            invocation_id=hashed_id("habits", str(number)),
            session_id=f"s{session}",
            project="/shop",
        )
        events.append(event)
    return events[first:]


def told(services: Services) -> list[tuple[str, float]]:
    """What is suggested in several situations, with the scores."""
    services.recommender.epsilon = 0.0
    assert services.recommender.learning.loaded(20)
    asked = [Asked(recent_skills=after, remember=False) for after in (["plan"], ["skill-1", "lint"], [])]
    answers = [services.recommender.suggest(each, CALLER) for each in asked]
    return [(found.skill_name, found.score) for answer in answers for found in answer.suggestions]


def recorded(services: Services, journal: Path, events: list[SkillEvent]) -> None:
    """The services have learned the events, each as it came."""
    learning = services.recommender.learning
    assert learning.loaded(20)
    writer = JournalFile(str(journal))
    for event in events:
        writer.append([event])
        with learning.current():
            pass
    writer.close()


@pytest.mark.slow
def test_the_next_leader_weighs_suggestions_as_the_last_one_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning_module, "WEIGHED", 20)
    home = tmp_path / "home"
    with open_services(home) as services:
        recorded(services, home / "journal", habits(120))
        before = told(services)
    assert stat.S_IMODE((home / WEIGHTS).stat().st_mode) == 0o600
    with open_services(home) as services:
        assert told(services) == before
        recorded(services, home / "journal", habits(10, first=120))
        later = told(services)
    kept = (home / WEIGHTS).read_bytes()
    with open_services(home) as services:
        assert told(services) == later
        services.keeper.rebuild(lambda _progress: None)
        assert told(services) == later
    assert (home / WEIGHTS).read_bytes() == kept
    (home / WEIGHTS).write_text('{"weights": {"everywhere": -1}}')
    with open_services(home) as services:
        assert told(services) != later


@pytest.mark.slow
def test_what_is_forgotten_weighs_nothing_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_module, "WEIGHED", 20)
    home = tmp_path / "home"
    with open_services(home) as services:
        recorded(services, home / "journal", habits(60))
    with open_services(home) as services:
        told(services)
        services.keeper.forget(ForgetRequest(skill_name="lint"))
        assert not (home / WEIGHTS).exists()
        after = told(services)
    with open_services(home) as services:
        assert told(services) == after
    (home / WEIGHTS).unlink()
    with open_services(home) as services:
        assert told(services) == after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"weights": []}',
        '{"weights": {"a": "b"}, "uses": 1, "until": 1}',
        '{"weights": {"a": NaN}}',
        f'{{"weights": {{"a": 1}}, "uses": 1{"0" * 400}, "until": 1}}',
    ],
)
def test_a_file_of_weights_that_says_nothing_usable_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / WEIGHTS).write_text(text)
    assert WeightsFile(str(tmp_path)).read() is None


def test_weights_of_other_views_than_there_are_now_are_not_taken() -> None:
    learned = Learned({})
    before = learned.weights
    assert not learned.go_on_from(KeptWeights({"another view": 1.0}, 9, 9.0))
    assert learned.weights == before


@pytest.mark.slow
def test_what_is_recorded_in_a_burst_is_learned_by_itself_and_all_of_it_before_a_suggestion(
    tmp_path: Path,
) -> None:
    with open_services(tmp_path / "home") as services:
        recommender = services.recommender
        recommender.learning.loaded(10)
        for number in range(150):
            report = InvocationReport(skill_name=f"skill-{number % 7}", completed=True, session_id="now")
            services.recorder.record_invocation(report, CALLER)
        assert recommender.suggest(Asked(remember=False), CALLER).learned_uses == 150
        report = InvocationReport(skill_name="last", completed=True, session_id="now")
        services.recorder.record_invocation(report, CALLER)
        wait_for(lambda: recommender.prediction_score()[0].prediction_count == 151, "the last was learned", 4)


@pytest.mark.slow
def test_who_asks_after_a_database_was_put_right_hears_nothing_of_what_was_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StorageError("it is away")

    with monkeypatch.context() as broken, open_services(tmp_path / "home") as services:
        broken.setattr(StoredAnswers, "past_uses", away)
        learning = services.recommender.learning
        for _ in range(2):
            with pytest.raises(StorageError, match="it is away"):
                learning.loaded(20)
        wait_for(learning._tried.is_set, "it was tried once more by itself")
        broken.undo()
        assert learning.loaded(20)


@pytest.mark.slow
def test_what_was_suggested_is_in_the_journal_when_the_services_close(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_services(home) as services:
        report = InvocationReport(skill_name="test", completed=True, session_id="now")
        services.recorder.record_invocation(report, CALLER)
        told = services.recommender.suggest(Asked(), CALLER)
    with open_services(home) as services:
        (accepted,) = services.recommender.acceptance()
    assert accepted.suggestion_count == 1
    assert told.suggestions[0].skill_name == "test"


@pytest.mark.slow
def test_a_skill_that_is_installed_later_can_be_suggested(tmp_path: Path) -> None:
    with open_services(tmp_path / "home") as services:
        assert services.recommender.suggest(Asked(query="draw"), CALLER).suggestions == []
        folder = tmp_path / "claude" / "skills" / "draw"
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text("---\nname: draw\ndescription: Draw it\n---\nDo it.\n", "utf-8")
        services.cataloguer.look()
        services.keeper.fold_now()
        found = wait_for(
            lambda: services.recommender.suggest(Asked(query="draw"), CALLER).suggestions, "the new skill"
        )
    assert found[0].skill_name == "draw"
