"""Running a command as if we were not there: its signals, its descriptors and its status are its own.

Standard library, and little of it (see `ci`): `subprocess` takes longer to import than everything else here.
"""

import _signal  # type: ignore[import-not-found]  # the C module alone: `signal` makes enums of all its numbers
import os

_PASSED_ON = [
    getattr(_signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH")
    if hasattr(_signal, name)
]
_OF_THE_TERMINAL = (_signal.SIGINT, _signal.SIGQUIT, _signal.SIGWINCH)
_NO_INTERPRETER = 8  # errno.ENOEXEC: a script without a first line; a shell runs it by itself, and so do we


def run_passing_signals(command: "list[str]") -> int:
    """Run a command to its end; its exit status, or the negative number of the signal that ended it.

    What a process sends to us is sent on. What the terminal sends (Ctrl-C) goes to the whole group, so the
    command has it already.

    Raises:
        OSError: it cannot be run; `FileNotFoundError` if there is none.
    """
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # ignored by whoever began us, no status would be left
    watched = [*_PASSED_ON, _signal.SIGCHLD]
    mask = _signal.pthread_sigmask(_signal.SIG_BLOCK, watched)
    wait = _wait_for_signals if hasattr(_signal, "sigwaitinfo") else _wait_with_handlers
    child = _spawn(command, mask)
    return os.waitstatus_to_exitcode(wait(child, watched, mask))


def _spawn(command: "list[str]", mask: "set[int]") -> int:
    # The interpreter ignores these two for itself; the command must find them as a shell would leave them.
    defaults = [_signal.SIGPIPE, _signal.SIGXFSZ]
    try:
        return os.posix_spawnp(command[0], command, os.environ, setsigdef=defaults, setsigmask=mask)
    except OSError as error:
        if error.errno != _NO_INTERPRETER:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
            raise
        shell = ["/bin/sh", *command]
        return os.posix_spawn(shell[0], shell, os.environ, setsigdef=defaults, setsigmask=mask)


def _wait_for_signals(child: int, watched: "list[int]", _mask: "set[int]") -> int:
    """Linux tells who sent a signal: the kernel, for a terminal, or a process."""
    while True:
        told = _signal.sigwaitinfo(watched)
        if told.si_signo == _signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
        elif told.si_code <= 0:
            os.kill(child, told.si_signo)


def _wait_with_handlers(child: int, watched: "list[int]", mask: "set[int]") -> int:
    """Elsewhere (macOS) nobody tells, so with a terminal its own signals are taken to be from it."""
    at_terminal = os.isatty(0)

    def pass_on(number: int, _frame: object) -> None:
        if not (at_terminal and number in _OF_THE_TERMINAL):
            os.kill(child, number)

    for number in _PASSED_ON:
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, pass_on)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, mask)
    status = os.waitpid(child, 0)[1]
    _signal.pthread_sigmask(_signal.SIG_BLOCK, watched)
    return status
