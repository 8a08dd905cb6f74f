"""The words by which checks are recognised: tools, their verbs, and what runs them."""

from typing import Final, Literal

CheckKind = Literal["test", "lint", "type_check", "build"]

TOOLS: Final[dict[str, CheckKind]] = {
    **dict.fromkeys(
        (
            "pytest", "py.test", "tox", "nox", "nose2", "unittest", "doctest", "jest", "vitest", "mocha",
            "ava", "karma", "rspec", "phpunit", "pest", "ctest", "bats", "minitest", "cypress", "behave",
            "gotestsum",
        ),
        "test",
    ),
    **dict.fromkeys(
        (
            "ruff", "flake8", "pylint", "eslint", "biome", "oxlint", "stylelint", "rubocop",
            "golangci-lint", "staticcheck", "shellcheck", "clippy", "ktlint", "swiftlint", "hadolint",
            "yamllint", "markdownlint", "pre-commit", "black", "isort", "prettier", "gofmt", "rustfmt",
            "phpcs", "lint-imports",
        ),
        "lint",
    ),
    **dict.fromkeys(
        (
            "mypy", "pyright", "basedpyright", "pyre", "pytype", "tsc", "vue-tsc", "svelte-check", "phpstan",
            "psalm", "flow", "ty",
        ),
        "type_check",
    ),
    **dict.fromkeys(("webpack", "rollup", "esbuild", "msbuild", "xcodebuild", "ninja", "bazelisk"), "build"),
}  # fmt: skip

VERBS: Final[dict[str, dict[str, CheckKind]]] = {
    "go": {"test": "test", "vet": "lint", "build": "build", "install": "build"},
    "cargo": {
        "test": "test",
        "nextest": "test",
        "clippy": "lint",
        "fmt": "lint",
        "check": "build",
        "build": "build",
    },
    "dotnet": {"test": "test", "build": "build", "format": "lint", "publish": "build"},
    "swift": {"test": "test", "build": "build"},
    "deno": {"test": "test", "lint": "lint", "check": "type_check"},
    "bun": {"test": "test", "build": "build"},
    "mix": {"test": "test", "compile": "build", "credo": "lint", "dialyzer": "type_check"},
    "rails": {"test": "test"},
    "rake": {"test": "test", "spec": "test"},
    "bazel": {"test": "test", "build": "build"},
    "playwright": {"test": "test"},
    "flutter": {"test": "test", "analyze": "lint", "build": "build"},
    "dart": {"test": "test", "analyze": "lint"},
    "terraform": {"validate": "lint", "fmt": "lint"},
    "next": {"build": "build", "lint": "lint"},
    "vite": {"build": "build"},
    "cmake": {"--build": "build"},
    "manage.py": {"test": "test", "check": "lint"},
    "docker": {"build": "build"},
    "composer": {"test": "test"},
    "hatch": {"test": "test", "build": "build"},
    "zig": {"test": "test", "build": "build"},
}
"""Tools whose next word tells what they do; with another word they are no check."""

BUILDERS: Final = frozenset(
    {"make", "gmake", "just", "task", "mvn", "mvnw", "gradle", "gradlew", "ant", "sbt", "invoke"}
)
SCRIPTED: Final = frozenset({"npm", "pnpm", "yarn", "bun"})
RUNNERS: Final[dict[str, frozenset[str]]] = {
    "uv": frozenset({"run"}), "poetry": frozenset({"run"}), "pdm": frozenset({"run"}),
    "rye": frozenset({"run"}), "pipenv": frozenset({"run"}), "hatch": frozenset({"run"}),
    "pixi": frozenset({"run"}), "conda": frozenset({"run"}), "pnpm": frozenset({"exec", "dlx"}),
    "npm": frozenset({"exec", "x"}), "yarn": frozenset({"exec", "dlx"}), "bundle": frozenset({"exec"}),
    "mise": frozenset({"exec", "x", "run"}), "bun": frozenset({"x"}), "coverage": frozenset({"run"}),
    "xvfb-run": frozenset(), "npx": frozenset(), "bunx": frozenset(), "uvx": frozenset(),
    "pipx": frozenset({"run"}), "env": frozenset(), "time": frozenset(), "nice": frozenset(),
    "command": frozenset(), "exec": frozenset(), "sudo": frozenset(), "stdbuf": frozenset(),
    "timeout": frozenset(), "then": frozenset(), "do": frozenset(), "if": frozenset(), "!": frozenset(),
    "{": frozenset(),
}  # fmt: skip
"""Commands that run another one, with the words of which one must follow for that."""
VALUED: Final = frozenset(
    {"--with", "--python", "-p", "--extra", "--group", "--project", "--directory", "-n", "-C", "-c"}
)
"""Options of runners that take a value as a word of its own."""

KEYWORDS: Final[tuple[tuple[CheckKind, tuple[str, ...]], ...]] = (
    ("type_check", ("typecheck", "type-check", "types", "tsc", "mypy", "pyright")),
    ("lint", ("lint", "fmt", "format", "style", "clippy", "ruff", "eslint", "vet", "prettier")),
    ("test", ("test", "spec", "check", "verify", "coverage", "e2e", "ci")),
    ("build", ("build", "compile", "assemble", "package", "all", "bundle", "install")),
)
"""What the name of a target or script says, first match first."""
