"""`session-buddy ci -- COMMAND`: runs a command as it is, and says afterwards how that stage went.

The command comes first. It gets our standard streams, our inherited file descriptors and every signal, and
what it exits with is what we exit with, whatever happens to us. So nothing but the interpreter's own modules
is imported before it runs; what is needed to record (`hook`: JSON, ids, the shared journal) loads beside it.
The journal is all that recording needs: no leader has to run, and `--journal DIR` needs no home either.
"""

import os
import sys
import time

from session_buddy.ingest import ci_context

FLAGS = {
    "--pipeline": "pipeline_name",
    "--stage": "stage",
    "--environment": "environment",
    "--build-number": "build_number",
    "--git-commit": "git_commit",
    "--git-branch": "git_branch",
    "--triggered-by": "triggered_by",
    "--session": "session_id",
    "--journal": "journal",
    "--home": "home",
}
NOT_FOUND = 127
NOT_EXECUTABLE = 126
USAGE = 2
RECORD_SECONDS = 5
"""How long recording may take before it is given up: a disk that hangs must not hold a pipeline."""
_NAME_LIMIT = 200
_TEXT_LIMIT = 500


def main(arguments: "list[str]", home: "str | None" = None) -> int:
    """Run the command and record it; 2 for wrong usage. Does not return where a signal ended the command."""
    try:
        given, command = _parse(arguments)
    except ValueError as error:
        _say(f"{error} See 'session-buddy ci --help'.")
        return USAGE
    if home is not None:
        given.setdefault("home", home)
    began_ns, began = time.time_ns(), time.monotonic()
    status, problem = _run(command)
    seconds = time.monotonic() - began
    try:
        _record(given, command, status, problem, (began_ns, seconds))
    except BaseException as error:  # noqa: BLE001 - the command has ended, and only its status counts now
        _say(f"this stage was not recorded: {_told(error)}")
    if status < 0:
        _end_like(-status)
    return status if status >= 0 else 128 - status


def wants_help(arguments: "list[str]") -> bool:
    """Whether help is asked for, of us and not of the command."""
    for word in arguments:
        if word in ("-h", "--help"):
            return True
        if not word.startswith("-") or word == "--":
            return False
    return False


def _parse(arguments: "list[str]") -> "tuple[dict[str, str], list[str]]":
    given: dict[str, str] = {}
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word == "--":
            break
        flag, joined, value = word.partition("=")
        if flag not in FLAGS:
            raise ValueError(f"{flag} is no option of ci; the command goes behind a '--'.")
        if not joined and (not rest or rest[0] == "--"):
            raise ValueError(f"{flag} needs a value.")
        given[FLAGS[flag]] = value if joined else rest.pop(0)
    if not rest:
        raise ValueError("Name the command to run: session-buddy ci -- COMMAND.")
    if "environment" in given:
        given["environment"] = _environment(given["environment"])
    return given, rest


def _environment(named: str) -> str:
    known = ci_context.environment_of(named)
    if known is None:
        raise ValueError(f"--environment is production, staging, development or testing, not {named!r}.")
    return known


def _run(command: "list[str]") -> "tuple[int, str | None]":
    """(exit status, negative for the signal that ended it; what kept it from running)."""
    try:
        if os.name == "nt":
            import subprocess  # there is nothing smaller on Windows

            return subprocess.call(command), None
        from session_buddy.ingest.ci_process import run_passing_signals

        return run_passing_signals(command), None
    except FileNotFoundError:
        problem, status = "command not found", NOT_FOUND
    except OSError as error:
        problem, status = error.strerror or str(error), NOT_EXECUTABLE
    _say(f"{command[0]}: {problem}")
    return status, problem


def _record(
    given: "dict[str, str]",
    command: "list[str]",
    status: int,
    problem: "str | None",
    timing: "tuple[int, float]",
) -> None:
    from session_buddy.ingest import hook  # after the command has begun, not before

    if hasattr(os, "fork"):
        _limit_time()
    line = stage_line(given, command, status, problem, timing, dict(os.environ))
    now_ns = time.time_ns()
    if "journal" in given:
        hook.append_durably(os.path.abspath(os.path.expanduser(given["journal"])), [line], now_ns)
        return
    home = hook.home_of(["--home", given["home"]] if "home" in given else [])
    os.makedirs(home, 0o700, exist_ok=True)
    hook.append_durably(os.path.join(home, "journal"), [line], now_ns)
    hook.wake_leader(home)


def stage_line(
    given: "dict[str, str]",
    command: "list[str]",
    status: int,
    problem: "str | None",
    timing: "tuple[int, float]",
    environ: "dict[str, str]",
) -> str:
    """The journal's line of a `StageEvent` (`session_buddy.models.runs`); tests hold the two equal.

    timing: when it began in Unix nanoseconds, and how many seconds it took.
    """
    import json

    from session_buddy.ingest import hook
    from session_buddy.models.stages import phase_of_stage

    context = {**ci_context.context_of(environ), **given}
    stage = _name(context.get("stage")) or _name(os.path.basename(command[0])) or "command"
    began_ns, seconds = timing
    event: dict[str, object] = {
        "v": 1,
        "id": hook.time_ordered_id(),
        "occurred_at": _stamp(began_ns + int(seconds * 1e9)),
        "kind": "pipeline_stage_run",
        "pipeline_name": _name(context.get("pipeline_name")) or _name(_folder()) or "local",
        "stage": stage,
        "workflow_phase": phase_of_stage(stage),
        "started_at": _stamp(began_ns),
        "duration_seconds": round(seconds, 6),
        "outcome": "completed" if status == 0 else "failed",
        "exit_code": status,
        "source": "ci",
        "command": hook.redact(_text(" ".join(command)))[:_TEXT_LIMIT],
        "project": _text(os.getcwd())[:_TEXT_LIMIT] if _folder() else None,
        "error": problem or _ending(status),
        "session_id": _name(given.get("session_id") or environ.get("CLAUDE_CODE_SESSION_ID")),
        "agent": "claude-code" if environ.get("CLAUDECODE") else None,
    }
    for field in ("ci_system", "build_number", "git_commit", "git_branch", "environment", "triggered_by"):
        event[field] = hook.redact(_text(context.get(field, "")))[:_TEXT_LIMIT]
    return json.dumps(
        {name: value for name, value in event.items() if value not in (None, "")}, separators=(",", ":")
    )


def _told(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"{type(error).__name__}: {error}"


def _ending(status: int) -> "str | None":
    if status == 0:
        return None
    return f"exit status {status}" if status > 0 else f"ended by signal {-status}"


def _stamp(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"


def _folder() -> str:
    try:
        return os.path.basename(os.getcwd())
    except OSError:
        return ""  # the command removed the folder that we stand in


def _text(text: str) -> str:
    """What JSON and UTF-8 can hold of an argument or a variable, which may be any bytes."""
    return text.encode("utf-8", "replace").decode()


def _name(text: "str | None") -> str:
    """The text as a name: printable, trimmed and cut; empty if nothing is left."""
    kept = "".join(letter if letter.isprintable() else " " for letter in _text(text or ""))
    return kept.strip()[:_NAME_LIMIT].strip()


def _limit_time() -> None:
    """Raise in what records after `RECORD_SECONDS`."""
    import _signal  # type: ignore[import-not-found]  # the C module alone; mypy knows only `signal`

    def give_up(_number: int, _frame: object) -> None:
        raise TimeoutError(f"the journal took more than {RECORD_SECONDS} s")

    _signal.signal(_signal.SIGALRM, give_up)
    _signal.alarm(RECORD_SECONDS)


def _end_like(number: int) -> None:
    """End by the signal that ended the command, so that whoever waits for us sees what it would have seen."""
    import _signal
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if number != _signal.SIGKILL:
        _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)


def _say(message: str) -> None:
    try:
        os.write(2, _text(f"session-buddy: {message}\n").encode())
    except OSError:
        return  # nobody is there to read it


def leave(status: int) -> None:
    """End without the interpreter's clean-up, which takes a tenth of our time; nothing is buffered."""
    sys.stdout and sys.stdout.flush()
    os._exit(status)
