"""Secrets go, everything else stays."""

import string
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from session_buddy.ingest.redaction import redact

ALNUM = string.ascii_letters + string.digits
URL_SAFE = ALNUM + "-_"


def letters(alphabet: str, low: int, high: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=low, max_size=high or low)


def prefixed(*prefixes: str, body: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds("{}{}".format, st.sampled_from(prefixes), body)


BASE64_LINE = letters(ALNUM + "+/", 64)
TELLING = {
    "anthropic-key": prefixed("sk-ant-api03-", "sk-ant-admin01-", body=letters(URL_SAFE, 80, 95)),
    "openai-key": prefixed(
        "sk-", "sk-proj-", "sk-svcacct-", "sk-or-v1-", body=letters(ALNUM, 40, 120)
    ).filter(lambda key: any(digit in key[3:] for digit in string.digits)),
    "github-token": prefixed("ghp_", "gho_", "ghu_", "ghs_", "ghr_", body=letters(ALNUM, 36))
    | prefixed("github_pat_", body=letters(ALNUM + "_", 82)),
    "gitlab-token": prefixed("glpat-", "gldt-", "glrt-", "glcbt-", body=letters(URL_SAFE, 20, 40)),
    "slack-token": prefixed("xoxb-", "xoxp-", "xoxa-", "xoxs-", "xapp-1-", body=letters(ALNUM + "-", 24, 60)),
    "aws-key": prefixed("AKIA", "ASIA", body=letters(string.ascii_uppercase + string.digits, 16)),
    "google-key": prefixed("AIza", body=letters(URL_SAFE, 35))
    | prefixed("ya29.", body=letters(URL_SAFE, 60)),
    "stripe-key": prefixed("sk_live_", "rk_live_", "sk_test_", "pk_live_", body=letters(ALNUM, 24, 99))
    | prefixed("whsec_", body=letters(ALNUM, 32)),
    "npm-token": prefixed("npm_", body=letters(ALNUM, 36)),
    "pypi-token": prefixed("pypi-AgEIcHlwaS5vcmc", body=letters(URL_SAFE, 60, 150)),
    "huggingface-token": prefixed("hf_", body=letters(string.ascii_letters, 34)),
    "jwt": st.builds(
        "eyJ{}.eyJ{}.{}".format, letters(URL_SAFE, 20, 60), letters(URL_SAFE, 20, 200), letters(URL_SAFE, 43)
    ),
    "private-key": st.builds(
        "-----BEGIN {0}PRIVATE KEY-----\n{1}\n-----END {0}PRIVATE KEY-----".format,
        st.sampled_from(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "]),
        st.lists(BASE64_LINE, min_size=2, max_size=6).map("\n".join),
    ),
}
WORD = letters(ALNUM, 8, 40)
NAMED = {
    "password": st.builds(
        "{}{}{}".format,
        st.sampled_from(
            ["password", "DB_PASSWORD", "passwd", "Password", "PGPASSWORD", "db_pass", "passphrase"]
        ),
        st.sampled_from(["=", ": ", " = ", ":", "=>"]),
        st.just("{}"),
    ),
    "token": st.builds(
        "{}{}{}".format,
        st.sampled_from(
            [
                "token",
                "GITHUB_TOKEN",
                "api_key",
                "apiKey",
                "X-Api-Key",
                "client_secret",
                "AWS_SECRET_ACCESS_KEY",
            ]
        ),
        st.sampled_from(["=", ": ", " = ", '="', "='", '\\": \\"']),
        st.just("{}"),
    ),
    "authorization": st.sampled_from(
        [
            "Authorization: Bearer {}",
            "authorization: Basic {}",
            '-H "Authorization: token {}"',
            '"Authorization": "{}"',
        ]
    ),
    "url-credentials": st.sampled_from(
        ["postgres://ada:{}@db/app", "https://{}:x-oauth-basic@host/", "redis://:{}@cache:6379/0"]
    ),
    "flag": st.sampled_from(["--password {}", "--token {}", "--api-key '{}'", "--db-password={}"]),
}
PLACEHOLDERS = {"str", "int", "bool", "null", "None", "nil", "true", "false", "True", "False"}
AROUND = st.text(max_size=30)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TELLING)
@given(st.data())
def test_no_secret_that_tells_itself_survives(kind: str, data: st.DataObject) -> None:
    secret = data.draw(TELLING[kind])
    before, after = data.draw(AROUND), data.draw(AROUND)
    join = data.draw(st.sampled_from([" ", "\n", '"', "'", "=", "(", "\\n", ", ", "`"]))
    result = redact(f"{before}{join}{secret} {after}")
    assert secret not in result
    for part in secret.splitlines():
        assert part not in result
    assert "[redacted:" in result


@pytest.mark.parametrize("kind", NAMED)
@given(st.data())
def test_no_secret_that_its_name_tells_survives(kind: str, data: st.DataObject) -> None:
    special = "!$%^*-_+.~" if kind == "url-credentials" else "!#$%^*-_+.~(){}[]<>|\\?@/"
    if kind == "authorization":
        special = special.replace("\\", "")  # no scheme's credentials hold one; in JSON it escapes the quote
    secret = data.draw(letters(ALNUM, 1)) + data.draw(letters(ALNUM + special, 12, 40))
    before = data.draw(AROUND)
    assume(secret not in before)
    assert secret not in redact(f"{before} {data.draw(NAMED[kind]).format(secret)} ")


@given(letters(ALNUM + "!#$%^*-_+.~ ()[]{}", 1, 40))
def test_a_quoted_password_of_any_kind_goes_whole(secret: str) -> None:
    assume(redact(secret) == secret and secret.strip("*") and secret not in PLACEHOLDERS)
    assume(not secret.startswith("$"))  # a variable, as in a shell
    redacted = '{"password": "[redacted:password]", "port": 5432}'
    assert redact(f'{{"password": "{secret}", "port": 5432}}') == redacted


SECRETS = st.one_of(*TELLING.values(), *NAMED.values())


@given(
    st.lists(
        SECRETS | st.text(max_size=20) | st.sampled_from(["password=", "[redacted:token]", "://", "--token "])
    )
)
def test_what_is_redacted_once_stays_as_it_is(parts: list[str]) -> None:
    once = redact("".join(parts))
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Refactor the tokenizer so that tokens are counted once; keep the key of each entry.",
        "max_tokens=4096, top_p=0.9",
        "See https://example.com:8080/users?page=2#top and mailto:ada@example.com",
        "git clone ssh://git@example.com/ada/project.git",
        "task-management-with-a-long-name-2024 and risk-assessment-of-the-year-2025",
        "def login(user: str, password: str, token: str | None = None) -> bool:",
        "PWD=/home/ada/project",
        "password: ${DB_PASSWORD}, token=$GITHUB_TOKEN, secret=<your secret here>",
        "password: null, api_key: undefined",
        "All 12 tests pass: 3.4 s",
        "a basic understanding of bearer shares",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "0190b0f4-8c1e-7cc0-9c3f-2b1f7f3a5d10",
        "AKIA is a prefix; so are ghp_ and sk-",
        "the primary key: user_id",
        "\u00e9\u4e2d\u6587 \U0001f600 \x00 \ud800",
    ],
)
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert redact(text) == text


@given(st.text(string.ascii_lowercase + " ,.\n", max_size=500))
def test_prose_is_unchanged(text: str) -> None:
    assert redact(text) == text


def test_the_marker_names_the_kind_and_the_name_stays() -> None:
    assert redact("export GITHUB_TOKEN=ghp_" + "a1B2" * 9) == "export GITHUB_TOKEN=[redacted:github-token]"
    assert redact('{"password": "a b c", "port": 1}') == '{"password": "[redacted:password]", "port": 1}'
    assert redact("https://ada:hunter2@host/x") == "https://[redacted:url-credentials]@host/x"


def test_a_marker_shields_nothing_behind_it() -> None:
    assert "hunter2" not in redact("password=[redacted:token]hunter2")


def test_a_key_that_was_cut_off_goes_to_the_end() -> None:
    assert redact("x\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc") == "x\n[redacted:private-key]"


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "password=",
        'password="',
        "--token ",
        "eyJ_",
        "eyJa",
        "://a:",
        "://aaaa",
        "-----BEGIN PRIVATE KEY-----",
        "authorization: ",
        "bearer ",
        "sk-",
        "sk-ant-",
        "AKIA",
        "-",
        "a",
        " ",
        'token="\\',
        "secret_access_key",
    ],
)
def test_a_megabyte_of_anything_takes_moments(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 5
