"""Which commands are checks, and whether they passed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.ingest.checks import Check, passed, recognise


@pytest.mark.parametrize(
    ("command", "kind", "name"),
    [
        ("pytest", "test", "pytest"),
        ("pytest -q tests/ -k 'a and b'", "test", "pytest"),
        ("python -m pytest -x", "test", "pytest"),
        ("python3.12 -m unittest discover", "test", "unittest"),
        (".venv/bin/pytest tests", "test", "pytest"),
        ("cd shop && npm test", "test", "npm test"),
        ("cd 'my shop' && FOO=1 BAR='x y' pnpm run lint", "lint", "pnpm lint"),
        ("yarn build", "build", "yarn build"),
        ("npm run typecheck", "type_check", "npm typecheck"),
        ("npm run test:unit -- --watch=false", "test", "npm test:unit"),
        ("npx eslint src", "lint", "eslint"),
        ("npx --yes tsc --noEmit", "type_check", "tsc"),
        ("uv run --with pytest-cov pytest", "test", "pytest"),
        ("uv run ruff check .", "lint", "ruff"),
        ("poetry run mypy .", "type_check", "mypy"),
        ("timeout 60 go test ./...", "test", "go test"),
        ("go vet ./...", "lint", "go vet"),
        ("GOFLAGS=-mod=mod go build ./cmd/...", "build", "go build"),
        ("cargo clippy --all", "lint", "cargo clippy"),
        ("cargo +nightly test", "test", "cargo test"),
        ("cargo check", "build", "cargo check"),
        ("make", "build", "make"),
        ("make -j4 lint", "lint", "make lint"),
        ("make test VERBOSE=1", "test", "make test"),
        ("./gradlew :app:check", "test", "gradlew :app:check"),
        ("mvn -q verify", "test", "mvn verify"),
        ("dotnet test --no-build", "test", "dotnet test"),
        ("bundle exec rspec", "test", "rspec"),
        ("vendor/bin/phpunit", "test", "phpunit"),
        ("mise exec -- go test ./...", "test", "go test"),
        ("ruff check . && mypy . && pytest", "test", "pytest"),
        ("time env A=1 tox -e py311", "test", "tox"),
        ("python manage.py test shop", "test", "manage.py test"),
        ("cmake --build build", "build", "cmake --build"),
        ("(cd app && jest)", "test", "jest"),
        ("ruff format --check .", "lint", "ruff"),
        ("pytest 2>&1", "test", "pytest"),
        ("bun test", "test", "bun test"),
        ("pre-commit run --all-files", "lint", "pre-commit"),
    ],
)
def test_a_check_is_recognised_behind_what_prepares_it(command: str, kind: str, name: str) -> None:
    assert recognise(command) == Check(kind, name, hidden=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "command",
    [
        "",
        "ls -la",
        "git commit -m 'run pytest and make test'",
        "cat pytest.ini",
        "echo pytest",
        "grep -rn 'npm test' .",
        "go run ./cmd/test",
        "npm install",
        "npm ci",
        "cargo add serde",
        "make clean",
        "ruff format .",
        "vim tests/test_a.py",
        "cat <<'EOF' > x\npytest\nEOF",
        "uv pip install pytest",
        "docker run test",
        "python script.py test",
    ],
)
def test_what_only_speaks_of_checks_is_none(command: str) -> None:
    assert recognise(command) is None


@pytest.mark.parametrize(
    ("command", "hidden"),
    [
        ("pytest | tail -5", True),
        ("pytest 2>&1 | tee log", True),
        ("set -o pipefail; pytest | tail", False),
        ("pytest; echo done", True),
        ("pytest || true", True),
        ("pytest && echo fine", False),
        ("pytest &", True),
        ("pytest\necho done", True),
        ("echo a; pytest", False),
        ("(pytest) ; ls", True),
        ("pytest # | tail", False),
    ],
)
def test_a_status_is_hidden_by_what_follows_the_check(command: str, *, hidden: bool) -> None:
    check = recognise(command)
    assert check is not None
    assert check.hidden is hidden


HIDDEN = Check("test", "pytest", hidden=True)


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ("==== 3 failed, 11 passed in 0.42s ====", False),
        ("==== 11 passed in 0.42s ====", True),
        ("ok  \tshop/cart\t0.3s", True),
        ("--- FAIL: TestCart (0.00s)\nFAIL\nFAIL\tshop/cart", False),
        ("test result: ok. 4 passed; 0 failed; 0 ignored", True),
        ("test result: FAILED. 3 passed; 1 failed", False),
        ("src/a.ts(1,2): error TS2304: Cannot find name", False),
        ("Success: no issues found in 21 source files", True),
        ("Found 3 errors in 1 file", False),
        ("All checks passed!", True),
        ("Tests:       1 failed, 4 passed, 5 total", False),
        ("[INFO] BUILD SUCCESS", True),
        ("error: could not compile `shop`", False),
        ("some text", None),
        ("", None),
    ],
)
def test_a_hidden_check_is_judged_by_its_own_words(output: str, *, result: bool | None) -> None:
    assert passed(HIDDEN, error=False, output=output) is result


def test_a_check_with_a_status_is_judged_by_that() -> None:
    check = Check("test", "pytest", hidden=False)
    assert passed(check, error=True, output="11 passed") is False
    assert passed(check, error=False, output="1 failed") is True


WORDS = [
    "pytest",
    "make",
    "-m",
    "python",
    "npm",
    "run",
    "&&",
    "|",
    ";",
    "(",
    ")",
    "'",
    '"',
    "<<EOF",
    "\\",
    "uv",
    "env",
    "A=1",
    ">",
    "&",
    "cmake",
    "timeout",
    "5",
    "-p",
    "!",
    "$(",
    "`",
    "+",
    "#",
    "ruff",
]


@given(st.text(max_size=200) | st.lists(st.sampled_from([*WORDS, "\n"])).map(" ".join))
def test_any_text_can_be_looked_at(command: str) -> None:
    check = recognise(command)
    assert check is None or check.kind in {"test", "lint", "type_check", "build"}
