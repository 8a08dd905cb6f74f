#!/bin/sh
# Puts `session-buddy` on PATH from this checkout, apart from every other Python environment.
# PYTHON names the interpreter to build on.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
bin="$HOME/.local/bin"

if command -v pipx >/dev/null 2>&1; then
    pipx install --force --python "$PYTHON" "$here"
    bin=$(pipx environment --value PIPX_BIN_DIR 2>/dev/null || echo "$bin")
elif command -v uv >/dev/null 2>&1; then
    uv tool install --force --reinstall --python "$PYTHON" "$here"
    bin=$(uv tool dir --bin 2>/dev/null || echo "$bin")
else
    venv="${XDG_DATA_HOME:-$HOME/.local/share}/session-buddy/venv"
    echo "Installing into $venv"
    "$PYTHON" -m venv --clear "$venv"
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check "$here${EXTRAS:+[$EXTRAS]}"
    mkdir -p "$bin"
    ln -sf "$venv/bin/session-buddy" "$bin/session-buddy"
fi

command="$bin/session-buddy"
"$command" --version
echo "Installed: $command"

case ":$PATH:" in
    *":$bin:"*) name=session-buddy ;;
    *)
        name=$command
        echo "$bin is not on PATH; to call it by its name, add to your shell's start file:"
        echo "    export PATH=\"$bin:\$PATH\""
        ;;
esac

if [ -t 0 ] && [ -t 1 ]; then
    printf 'Connect it to Claude Code now? [Y/n] '
    read -r answer || answer=n
    case "$answer" in
        "" | [Yy]*) exec "$command" install claude ;;
    esac
fi
echo "Next: $name install claude    (records every skill use from then on)"
echo "Then: $name top               (which skills were used, and how they went)"
