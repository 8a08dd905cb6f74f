"""A real Chromium, driven through Playwright by `browser.mjs`."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any, Literal

Theme = Literal["light", "dark"]


class Browser:
    """One browser with one page at a time. Not thread-safe."""

    def __init__(self, node_modules: Path, chromium: Path) -> None:
        driver = Path(__file__).with_name("browser.mjs")
        self._process = subprocess.Popen(
            [str(node_modules / ".bin/node"), str(driver), str(node_modules), str(chromium)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the browser."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def open(
        self, url: str, theme: Theme = "light", width: int = 1240, height: int = 900, scale: float = 1
    ) -> None:
        """Open a page in a profile of its own."""
        self._ask("open", url=url, theme=theme, width=width, height=height, scale=scale)

    def evaluate(self, expression: str) -> Any:
        """The value of JavaScript in the page."""
        return self._ask("evaluate", expression=expression)

    def wait(self, expression: str, seconds: float = 20.0) -> Any:
        """The first true value of JavaScript in the page; fails with the page's text if there is none."""
        return self._ask("wait", expression=expression, seconds=seconds)

    def wait_for_text(self, selector: str, text: str, seconds: float = 20.0) -> None:
        """Wait until an element that is shown says `text`."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})].filter(n => n.checkVisibility())"
        self.wait(f"{found}.some(node => node.innerText.includes({json.dumps(text)}))", seconds)

    def texts(self, selector: str) -> list[str]:
        """What the elements that are shown say."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})].filter(n => n.checkVisibility())"
        texts: list[str] = self.evaluate(f"{found}.map(node => node.innerText.trim())")
        return texts

    def click(self, selector: str) -> None:
        """Click an element."""
        self._ask("click", selector=selector)

    def fill(self, selector: str, text: str) -> None:
        """Write into a field."""
        self._ask("fill", selector=selector, text=text)

    def choose(self, selector: str, value: str) -> None:
        """Choose an option."""
        self._ask("choose", selector=selector, value=value)

    def press(self, key: str) -> None:
        """Press a key."""
        self._ask("press", key=key)

    def prefer(self, theme: Theme) -> None:
        """Change the theme of the system."""
        self._ask("scheme", theme=theme)

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Save what is seen, or the whole page, as a PNG."""
        self._ask("picture", path=str(path), whole=whole)

    def download(self, selector: str) -> tuple[str, bytes]:
        """Name and content of the file that a click saves."""
        found = self._ask("download", selector=selector)
        return found["name"], base64.b64decode(found["content"])

    def violations(self) -> list[str]:
        """What axe-core finds wrong."""
        found = self._ask("violations")
        assert found["checked"] > 10, "axe-core looked at nothing"
        violations: list[str] = found["violations"]
        return violations

    @property
    def requests(self) -> list[str]:
        """Every address that the page asked since it was opened."""
        found: list[str] = self._ask("seen")["requests"]
        return found

    @property
    def errors(self) -> list[str]:
        """Errors and warnings of the console since the page was opened."""
        found: list[str] = self._ask("seen")["errors"]
        return found

    def _ask(self, command: str, **options: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, **options}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the browser is gone"}')
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]
