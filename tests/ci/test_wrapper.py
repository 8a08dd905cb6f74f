"""`session-buddy ci`: the command is untouched, and what became of it is in the journal."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from session_buddy.ingest import ci, hook
from session_buddy.models.events import StageEvent, parse_event

COMMAND = [sys.executable, "-m", "session_buddy"]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    dropped = ("CLAUDE", "GITHUB", "GITLAB", "CI", "JENKINS", "SESSION_BUDDY")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {
        "SESSION_BUDDY_HOME": str(tmp_path / "home"),
        "HOME": str(tmp_path),
        "PYTHONPATH": str(Path(ci.__file__).parents[2]),
    }


def run(environ: dict[str, str], *words: str, **further: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, "ci", *words], env=environ, capture_output=True, text=True, **further)


def fill(sender: socket.socket, path: str) -> None:
    for _ in range(100_000):
        sender.sendto(b"\n", path)


def recorded(folder: Path) -> list[StageEvent]:
    lines = [
        line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines() if line
    ]
    events = [parse_event(line) for line in lines]
    assert all(isinstance(event, StageEvent) for event in events)
    return events


def test_a_command_that_fails_is_a_failed_stage_and_keeps_its_status(
    environ: dict[str, str], tmp_path: Path
) -> None:
    ended = run(environ, "--", "false", cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")
    (stage,) = recorded(tmp_path / "home" / "journal")
    assert (stage.pipeline_name, stage.stage, stage.outcome) == (tmp_path.name, "false", "failed")
    assert (stage.exit_code, stage.error, stage.source) == (1, "exit status 1", "ci")
    assert stage.project == str(tmp_path)


def test_an_option_without_its_value_is_wrong_usage_and_runs_nothing(
    environ: dict[str, str], tmp_path: Path
) -> None:
    ended = run(environ, "--stage", "--", "touch", "ran", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "session-buddy: --stage needs a value. See 'session-buddy ci --help'.\n"
    assert not (tmp_path / "ran").exists()


def test_a_journal_that_cannot_be_written_is_told_in_plain_words(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ended = run(environ, "--journal", "file", "--", "true", cwd=tmp_path)
    assert ended.returncode == 0
    assert ended.stderr.startswith("session-buddy: this stage was not recorded: ")
    assert "Error" not in ended.stderr


def test_flags_say_what_ran_and_secrets_in_the_command_are_not_kept(
    environ: dict[str, str], tmp_path: Path
) -> None:
    secret = "ghp_" + "a1B2" * 9
    flags = ["--pipeline", "shop", "--stage=deploy", "--environment", "prod", "--build-number", "7"]
    ended = run(environ, *flags, "--session", "s1", "--", "echo", f"--token={secret}")
    assert (ended.returncode, ended.stdout) == (0, f"--token={secret}\n")
    (stage,) = recorded(tmp_path / "home" / "journal")
    assert (stage.pipeline_name, stage.stage, stage.workflow_phase) == ("shop", "deploy", "deployment")
    assert (stage.environment, stage.build_number, stage.session_id) == ("production", "7", "s1")
    assert stage.outcome == "completed"
    assert stage.command is not None
    assert secret not in stage.command


def test_an_artifact_takes_the_stage_instead_of_the_home(environ: dict[str, str], tmp_path: Path) -> None:
    ended = run(environ, "--journal", "out/journal", "--", "true", cwd=tmp_path)
    assert ended.returncode == 0
    assert len(recorded(tmp_path / "out" / "journal")) == 1
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "Name the command to run"),
        (["--stage"], "--stage needs a value"),
        (["--stge", "x", "--", "true"], "no option of ci"),
        (["--environment", "mars", "--", "true"], "--environment is production"),
    ],
)
def test_wrong_usage_is_one_line_and_runs_nothing(
    environ: dict[str, str], tmp_path: Path, words: list[str], complaint: str
) -> None:
    ended = run(environ, *words)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert complaint in ended.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(("command", "status"), [("no-such-command", 127), ("/", 126)])
def test_what_cannot_be_run_has_the_status_that_a_shell_gives(
    environ: dict[str, str], tmp_path: Path, command: str, status: int
) -> None:
    ended = run(environ, command)
    assert ended.returncode == status
    assert command in ended.stderr
    (stage,) = recorded(tmp_path / "home" / "journal")
    assert (stage.outcome, stage.exit_code) == ("failed", status)


def test_a_script_without_a_first_line_runs_as_in_a_shell(environ: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "stage"
    script.write_text("exit 5\n")
    script.chmod(0o755)
    assert run(environ, "--", str(script)).returncode == 5


def test_descriptors_and_streams_are_the_commands_own(environ: dict[str, str]) -> None:
    reading, writing = os.pipe()
    try:
        program = f"import os, sys; os.write({writing}, sys.stdin.buffer.read())"
        words = [*COMMAND, "ci", "--", sys.executable, "-c", program]
        subprocess.run(words, env=environ, input=b"hello", pass_fds=[writing], check=True)
        assert os.read(reading, 10) == b"hello"
    finally:
        os.close(reading)
        os.close(writing)


def test_the_command_finds_signals_as_a_shell_leaves_them(environ: dict[str, str]) -> None:
    # The shell below says what it found ignored: nothing, though the interpreter ignores SIGPIPE for itself.
    words = [*COMMAND, "ci", "--", "sh", "-c", "grep SigIgn /proc/self/status"]
    if not os.path.exists("/proc/self/status"):
        pytest.skip("there is no /proc to look into")
    ended = subprocess.run(words, env=environ, capture_output=True, text=True)
    assert int(ended.stdout.split()[1], 16) & (1 << (signal.SIGPIPE - 1)) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_that_is_sent_to_us_reaches_the_command(
    environ: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    program = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(9))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()"
    )
    with subprocess.Popen(
        [*COMMAND, "ci", "--", sys.executable, "-c", program], env=environ, stdout=subprocess.PIPE
    ) as wrapper:
        assert wrapper.stdout is not None
        assert wrapper.stdout.readline() == b"ready\n"
        wrapper.send_signal(number)
        assert wrapper.wait(20) == 9
    (stage,) = recorded(tmp_path / "home" / "journal")
    assert (stage.outcome, stage.exit_code) == ("failed", 9)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_a_command_that_a_signal_ends_ends_us_by_the_same(
    environ: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    ended = run(environ, "--", "sh", "-c", f"kill -{int(number)} $$")
    assert ended.returncode == -number
    (stage,) = recorded(tmp_path / "home" / "journal")
    assert (stage.exit_code, stage.error) == (-number, f"ended by signal {int(number)}")


def test_with_no_place_to_write_the_command_still_runs_and_its_status_is_untouched(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ended = run(
        environ | {"SESSION_BUDDY_HOME": str(tmp_path / "file" / "home")},
        "--",
        "sh",
        "-c",
        "echo ran; exit 3",
    )
    assert (ended.returncode, ended.stdout) == (3, "ran\n")
    assert "this stage was not recorded" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_with_a_disk_that_is_full_the_status_is_untouched(environ: dict[str, str], tmp_path: Path) -> None:
    # A file-size limit of nothing is how a test makes each write fail as a full disk does.
    limited = "ulimit -f 0; trap '' XFSZ; exec " + " ".join([*COMMAND, "ci", "--", "sh", "-c", "'exit 4'"])
    ended = subprocess.run(["sh", "-c", limited], env=environ, capture_output=True, text=True)
    assert ended.returncode == 4
    assert "this stage was not recorded" in ended.stderr
    assert all(file.stat().st_size == 0 for file in (tmp_path / "home").rglob("*") if file.is_file())


@pytest.mark.slow
def test_with_a_full_queue_to_the_leader_nobody_waits(environ: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
    ):
        deaf.bind(str(home / "wake.sock"))
        sender.setblocking(False)
        with pytest.raises(BlockingIOError):
            fill(sender, str(home / "wake.sock"))
        ended = run(environ, "--", "false", timeout=20)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert len(recorded(home / "journal")) == 1


@pytest.mark.slow
def test_with_a_journal_that_another_holds_the_stage_gets_one_of_its_own(
    environ: dict[str, str], tmp_path: Path
) -> None:
    assert run(environ, "--", "true").returncode == 0
    (shared,) = (tmp_path / "home" / "journal").glob("hooks-*.jsonl")
    descriptor = os.open(shared, os.O_RDWR)
    try:
        assert hook.try_lock(descriptor)
        assert run(environ, "--", "false").returncode == 1
    finally:
        os.close(descriptor)
    assert sorted(stage.outcome for stage in recorded(tmp_path / "home" / "journal")) == [
        "completed",
        "failed",
    ]


@pytest.mark.slow
def test_elsewhere_than_on_linux_signals_pass_through_handlers(tmp_path: Path) -> None:
    program = (
        "import sys, _signal\n"
        "del _signal.sigwaitinfo\n"
        "from session_buddy.ingest.ci_process import run_passing_signals\n"
        "script = 'trap \"exit 9\" TERM; echo ready; while :; do sleep .05; done'\n"
        "sys.exit(run_passing_signals(['sh', '-c', script]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as wrapper:
        assert wrapper.stdout is not None
        assert wrapper.stdout.readline() == b"ready\n"
        wrapper.terminate()
        assert wrapper.wait(20) == 9


def test_nothing_of_ours_but_the_wrapper_is_imported(environ: dict[str, str]) -> None:
    program = (
        "import sys\n"
        "from session_buddy.ingest import ci, ci_process\n"
        "print(*[name for name in ('json', 'subprocess', 'threading', 'typing', 'click', 'pydantic', 'enum')"
        " if name in sys.modules])"
    )
    ended = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {environ['PYTHONPATH']!r})\n{program}",
        ],
        capture_output=True,
        text=True,
    )
    assert (ended.stdout.split(), ended.stderr) == ([], "")


def test_odd_bytes_and_control_characters_in_names_are_recorded_as_far_as_they_can_be() -> None:
    given = {"pipeline_name": "a\nb\udcff", "stage": "\x00", "git_branch": "f\udc80"}
    line = ci.stage_line(given, ["mak\udcffe"], 0, None, (0, 0.5), {})
    stage = parse_event(line)
    assert isinstance(stage, StageEvent)
    assert (stage.pipeline_name, stage.stage, stage.git_branch) == ("a b?", "mak?e", "f?")


@pytest.mark.slow
def test_an_artifact_is_imported_once_however_often_it_is_given(
    environ: dict[str, str], tmp_path: Path
) -> None:
    for status in ("true", "false"):
        run(environ, "--journal", str(tmp_path / "artifact"), "--pipeline", "shop", "--", status)
    for _ in range(2):
        words = [*COMMAND, "import", str(tmp_path / "artifact"), "--again", "--json"]
        imported = subprocess.run(words, env=environ, capture_output=True, text=True)
        assert json.loads(imported.stdout)["runs"] == 2, imported.stderr
    shown = subprocess.run([*COMMAND, "pipelines", "--json"], env=environ, capture_output=True, text=True)
    found = json.loads(shown.stdout)
    assert [(stage["stage"], stage["run_count"]) for stage in found["stages"]] == [("true", 1), ("false", 1)]
