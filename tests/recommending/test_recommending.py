"""Suggestions and predictions over real services, a real journal and a real DuckDB file."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.answers_recommending import Suggestions
from session_buddy.models.values import Caller, ForgetRequest
from session_buddy.services import InvocationReport, Services
from session_buddy.services.recommending import Asked, Chosen
from tests.support.services import open_services

CALLER = Caller(connection_id="c1", session_id="now", project="/shop")
PLAIN = {"remember": False}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    skills = tmp_path / "claude" / "skills"
    for name, description in (
        ("db-migrate", "Write a schema migration for the database"),
        ("draw", "Draw a diagram of the architecture"),
    ):
        folder = skills / name
        folder.mkdir(parents=True)
        (folder / "SKILL.md").write_text(
            f"---\nname: {name}\ndescription: {description}\n---\nDo it.\n", "utf-8"
        )
    return tmp_path / "home"


@pytest.fixture
def services(home: Path) -> Iterator[Services]:
    with open_services(home) as opened:
        opened.cataloguer.look()
        opened.keeper.fold_now()
        opened.recommender.epsilon = 0.0
        yield opened


def record(
    services: Services, skill: str, session: str, minutes_ago: float, *, completed: bool = True
) -> None:
    report = InvocationReport(
        skill_name=skill,
        completed=completed,
        duration_seconds=10.0,
        session_id=session,
        invoked_at=datetime.now(UTC) - timedelta(minutes=minutes_ago),
    )
    services.recorder.record_invocation(report, CALLER)


def cycle(services: Services, times: int = 4) -> None:
    for number in range(times):
        for place, skill in enumerate(("plan", "test", "commit")):
            record(services, skill, f"s{number}", 50 - number * 3 - place)


def suggest(services: Services, **asked: object) -> Suggestions:
    return services.recommender.suggest(Asked(**PLAIN | asked), CALLER)


def names(answer: Suggestions) -> list[str]:
    return [found.skill_name for found in answer.suggestions]


def test_with_an_empty_record_the_words_decide(services: Services) -> None:
    answer = suggest(services, query="write a migration")
    assert names(answer)[0] == "db-migrate"
    first = answer.suggestions[0]
    assert first.reason == "its name or description has write, migration"
    assert (first.success_probability, first.expected_seconds, first.uses) == (None, None, 0)
    assert "No use is recorded yet" in answer.message


@pytest.mark.slow
def test_what_was_just_recorded_counts_for_the_next_suggestion(services: Services) -> None:
    cycle(services)
    record(services, "plan", "now", 1)
    record(services, "test", "now", 0.5)
    answer = suggest(services)
    assert names(answer)[0] == "commit"
    first = answer.suggestions[0]
    assert (first.followed_count, first.followed_of) == (4, 4)
    assert "came next 4 of 4 times after plan then test" in first.reason
    assert "used 4 times in this project" in first.reason
    assert first.expected_seconds == 10
    assert first.success_probability is not None
    assert 0.5 < first.success_probability < 1
    assert first.decided_count == 4
    assert "Only 14 times" in answer.message


@pytest.mark.slow
def test_named_skills_replace_the_session_s_own(services: Services) -> None:
    cycle(services)
    assert names(suggest(services, recent_skills=["plan"]))[0] == "test"


@pytest.mark.slow
def test_a_skill_that_does_not_exist_is_not_suggested(services: Services) -> None:
    cycle(services)
    for number in range(5):
        record(services, "misspelt", f"s{number}", 5, completed=False)
    assert "misspelt" not in names(suggest(services, limit=20))


@pytest.mark.slow
def test_a_strategy_can_be_asked_for_and_an_unknown_one_is_refused(services: Services) -> None:
    cycle(services)
    assert suggest(services, strategy="popularity").strategy == "popularity"
    with pytest.raises(InvalidInput, match="markov_blend, markov, repeat_last"):
        suggest(services, strategy="crystal_ball")


@pytest.mark.slow
def test_an_experiment_chooses_where_no_strategy_is_asked_for(services: Services) -> None:
    cycle(services)
    services.recommender.choose_by(lambda _session, _user: Chosen("markov", "trial", "treatment"))
    answer = suggest(services)
    assert (answer.strategy, answer.test_name, answer.group_name) == ("markov", "trial", "treatment")
    assert suggest(services, strategy="popularity").test_name is None


@pytest.mark.slow
def test_the_next_use_takes_a_suggestion_at_its_rank(services: Services) -> None:
    cycle(services)
    answer = services.recommender.suggest(Asked(recent_skills=["plan"], limit=3), CALLER)
    taken = names(answer)[1]
    report = InvocationReport(skill_name=taken, completed=True, session_id="now")
    services.recorder.record_invocation(report, CALLER)
    services.keeper.fold_now()
    (accepted,) = services.recommender.acceptance()
    assert (accepted.strategy, accepted.suggestion_count, accepted.accepted_count) == ("markov_blend", 1, 1)
    assert accepted.reciprocal_sum == 0.5


@pytest.mark.slow
def test_another_skill_takes_no_suggestion_and_a_rebuild_says_the_same(services: Services) -> None:
    cycle(services)
    services.recommender.suggest(Asked(recent_skills=["plan"], limit=1), CALLER)
    record(services, "unforeseen", "now", 0)
    services.keeper.fold_now()
    before = services.recommender.acceptance()
    assert [row.accepted_count for row in before] == [0]
    services.keeper.rebuild(lambda _progress: None)
    assert services.recommender.acceptance() == before


@pytest.mark.slow
def test_a_repeated_request_is_one_suggestion(services: Services) -> None:
    cycle(services)
    asked = Asked(request_key="the same")
    first, second = (services.recommender.suggest(asked, CALLER) for _ in range(2))
    services.keeper.fold_now()
    assert first.suggestion_id == second.suggestion_id
    (accepted,) = services.recommender.acceptance()
    assert accepted.suggestion_count == 1


@pytest.mark.slow
def test_a_new_leader_suggests_the_same(home: Path) -> None:
    with open_services(home) as services:
        services.recommender.epsilon = 0.0
        cycle(services)
        before = suggest(services, recent_skills=["plan"])
    with open_services(home) as services:
        services.recommender.epsilon = 0.0
        after = suggest(services, recent_skills=["plan"])
    assert after.suggestions == before.suggestions


@pytest.mark.slow
def test_now_and_then_another_candidate_stands_first(services: Services) -> None:
    cycle(services)
    services.recommender.epsilon = 1.0
    first = {names(suggest(services, recent_skills=["plan"]))[0] for _ in range(40)}
    assert len(first) > 1


@pytest.mark.slow
def test_what_is_forgotten_is_unlearned(services: Services) -> None:
    cycle(services)
    assert "test" in names(suggest(services))
    services.keeper.forget(ForgetRequest(skill_name="test"))
    assert "test" not in names(suggest(services))


def test_a_prediction_says_how_little_is_known(services: Services) -> None:
    empty = services.recommender.predict("draw", "unknown", None, CALLER)
    assert empty.probability is None
    assert "insufficient_data: no outcome of any skill" in empty.message
    record(services, "draw", "now", 1)
    one = services.recommender.predict("draw", "unknown", None, CALLER)
    assert one.probability is not None
    assert 0.5 < one.probability < 0.9
    assert "insufficient_data: 1 outcome" in one.message
    assert (one.features.invocation_count_24h, one.features.user_skill_familiarity) == (1, 1)
    assert one.model_score is not None
    assert one.model_score.prediction_count == 1


@pytest.mark.slow
def test_a_prediction_tells_what_works_from_what_does_not(services: Services) -> None:
    for number in range(12):
        record(services, "good", f"s{number}", 40 - number)
        record(services, "bad", f"s{number}", 39.5 - number, completed=False)
    good, bad = (services.recommender.predict(name, "unknown", None, CALLER) for name in ("good", "bad"))
    assert good.probability is not None
    assert bad.probability is not None
    assert good.probability > 0.75
    assert bad.probability < 0.35
    assert "From 12 outcomes" in good.message


def test_an_unknown_skill_is_not_found(services: Services) -> None:
    with pytest.raises(NotFound, match="No skill 'nobody'"):
        services.recommender.predict("nobody", "unknown", None, CALLER)
