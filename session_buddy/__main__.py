"""The `session-buddy` command.

`serve`, `hook` and `ci` start many times a day and must start fast, so they are recognised here by
hand, before anything beyond the standard library is imported; every other command goes to
`session_buddy.cli.app`. Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 141 the reader
of our output went away.
"""

import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130
READER_GONE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: `sys.argv`) and return the exit status; no exception escapes."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:  # the process is ours alone, and not a test's
        # DuckDB imports pandas at the first bound parameter, where it is installed: 0.4 s and 53 MB of it,
        # and we never hand it a frame.
        sys.modules.setdefault("pandas", None)  # type: ignore[arg-type]
    try:
        status = _route(arguments)
        return _flushed(status)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return READER_GONE


def _flushed(status: int) -> int:
    """The exit status, once what was printed is out; a full disk is told here, unless it was told before."""
    if sys.stdout is None:
        return status
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop_output()
        if status == 0:
            print(f"session-buddy: the output was not written: {error.strerror or error}.", file=sys.stderr)
        return status or 1
    return status


def _drop_output() -> None:
    """What is still buffered would raise again when the interpreter flushes at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _route(arguments: list[str]) -> int:
    flags, command, rest = _split(arguments)
    if command == "serve":
        given = serve_flags(rest)
        if given is not None:
            return _serve(flags | given)
    if command == "hook" and not any(word in ("-h", "--help") for word in rest):
        from session_buddy.ingest import hook  # a hook's process imports nothing else

        home = flags.get("home")
        return hook.main(rest if home is None else ["--home", str(home), *rest])
    if command == "ci":
        from session_buddy.ingest import ci  # the command that it wraps must begin at once

        if not ci.wants_help(rest):
            home = flags.get("home")
            ci.leave(ci.main(rest, None if home is None else str(home)))
    from session_buddy.cli import app  # click and what hangs on it: not for `serve`, `hook` and `ci`

    return app.run(arguments)


def _serve(flags: dict[str, object]) -> int:
    from session_buddy.config import load_settings  # not needed by `hook`
    from session_buddy.errors import SessionBuddyError
    from session_buddy.relay import front

    try:
        return front.main(load_settings(flags))
    except SessionBuddyError as error:
        print(f"session-buddy: {error}", file=sys.stderr)
        return 1


def _split(arguments: list[str]) -> tuple[dict[str, object], str | None, list[str]]:
    """Flags before the command, the command, and what follows it; no command if a flag is not ours."""
    flags: dict[str, object] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        taken = _take(rest, ("home", "transport"))
        if taken is None:
            return {}, None, arguments
        flags[taken[0]] = taken[1]
    return (flags, rest[0], rest[1:]) if rest else (flags, None, [])


_NO_FLAGS = ("store_queries", "store")
"""The first takes no value; the second may hold a password, and everybody on a machine can see a flag."""


def serve_flags(words: Sequence[str]) -> dict[str, object] | None:
    """Settings that the words after `serve` give; None if click has to explain what is wrong with them."""
    from session_buddy.config import Settings  # not needed by `hook`

    flags: dict[str, object] = {}
    rest = list(words)
    while rest:
        if rest[0] in ("--store-queries", "--no-store-queries"):
            flags["store_queries"] = rest.pop(0) == "--store-queries"
            continue
        taken = _take(rest, [name for name in Settings._fields if name not in _NO_FLAGS])
        if taken is None:
            return None
        flags[taken[0]] = taken[1]
    return flags


def _take(words: list[str], names: Sequence[str]) -> tuple[str, str] | None:
    """Remove `--name value` or `--name=value` from the front of `words`; None if it is neither."""
    flag, joined, value = words[0].partition("=")
    name = flag.removeprefix("--").replace("-", "_")
    if not flag.startswith("--") or name not in names:
        return None
    if joined:
        words.pop(0)
        return name, value
    if len(words) < 2:
        return None
    del words[0]
    return name, words.pop(0)


if __name__ == "__main__":
    sys.exit(main())
