"""What kind of skill one is: what the rules guess, and what the user says."""

import pytest

from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import ForgetRequest
from session_buddy.services.cataloguing import Cataloguer
from tests.services.conftest import Home
from tests.support.events import installed, recorded


@pytest.fixture
def cataloguer(home: Home) -> Cataloguer:
    home.journal.append([installed("lint"), recorded("a", skill_name="xyzzy")])
    return Cataloguer(home.record, home.journal, lambda _project: [], home.clock)


def test_the_rules_guess_before_any_table_was_kept_up(home: Home, cataloguer: Cataloguer) -> None:
    kind = cataloguer.kind("lint")
    assert (kind.category, kind.category_by) == ("quality", "rule")
    assert home.reporter.describe_skill("lint").category == "quality"
    nothing = cataloguer.kind("xyzzy")
    assert (nothing.category, nothing.category_by, nothing.modality) == (None, None, None)


@pytest.mark.slow
def test_the_word_of_the_user_is_shown_and_survives_a_rebuild(home: Home, cataloguer: Cataloguer) -> None:
    said = cataloguer.categorise("lint", "House   Rules", "text")
    assert (said.category, said.category_by, said.modality_by) == ("house rules", "user", "user")
    assert said.categories[-1] == "house rules"
    cataloguer.categorise("xyzzy", "analysis", None)
    before = [home.reporter.describe_skill(name) for name in ("lint", "xyzzy")]
    home.keeper.rebuild(lambda _report: None)
    after = [home.reporter.describe_skill(name) for name in ("lint", "xyzzy")]
    assert after == before
    assert [(one.category, one.modality) for one in after] == [("house rules", "text"), ("analysis", None)]
    assert after[0].message.endswith("As you said: category house rules, modality text.")


def test_the_latest_word_counts(cataloguer: Cataloguer, home: Home) -> None:
    for category in ("testing", "quality", "deployment"):
        home.clock.pass_seconds(1)
        assert cataloguer.categorise("lint", category, None).category == category


@pytest.mark.slow
def test_what_was_said_of_a_forgotten_skill_is_forgotten(home: Home, cataloguer: Cataloguer) -> None:
    cataloguer.categorise("xyzzy", "analysis", None)
    home.clock.pass_seconds(1)
    home.keeper.forget(ForgetRequest(skill_name="xyzzy"))
    assert _placed(home.store) == []


def _placed(store: SkillsStorageProtocol) -> list[str]:
    return [placed.skill_name for placed in store.findings.categories()]


@pytest.mark.slow
@pytest.mark.parametrize("category", ["!!", "-", " ", "a" * 41, "a\x00b"])
def test_a_category_that_is_no_name_is_refused(cataloguer: Cataloguer, category: str) -> None:
    with pytest.raises(InvalidInput, match="is no name; give up to 40"):
        cataloguer.categorise("lint", category, None)


def test_a_skill_that_nobody_knows_is_refused(cataloguer: Cataloguer) -> None:
    with pytest.raises(NotFound, match="No skill 'nonsense' is installed or in the record"):
        cataloguer.categorise("nonsense", "quality", None)
