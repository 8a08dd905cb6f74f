"""Takes the pictures of the page for the documents.

    python -m tests.page.record_pictures

SESSION_BUDDY_NODE_MODULES and SESSION_BUDDY_CHROMIUM name the real parts, as in `.ci/run`.
"""

import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.page.browser import Browser
from tests.page.recorded_day import anomaly_event, recorded_day
from tests.support.live import Running, live_home, running

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def main() -> None:
    """Write docs/images/*.png."""
    modules = Path(os.environ["SESSION_BUDDY_NODE_MODULES"])
    chromium = Path(os.environ.get("SESSION_BUDDY_CHROMIUM", "/usr/bin/chromium"))
    with tempfile.TemporaryDirectory() as folder, live_home(Path(folder)) as home, running(home) as served:
        home.acknowledge(*recorded_day())
        home.settled()
        home.acknowledge(anomaly_event(detected_at=datetime.now(UTC) - timedelta(minutes=31)))
        browser = Browser(modules, chromium)
        try:
            IMAGES.mkdir(exist_ok=True)
            _take(browser, served)
        finally:
            browser.close()


def _take(browser: Browser, served: Running) -> None:
    address = f"http://127.0.0.1:{served.port}/"
    ready = "document.querySelectorAll('#skill-table svg[data-mark]:has(.some)').length >= 9"
    for theme in ("light", "dark"):
        browser.open(address, theme=theme, height=980)
        browser.wait(ready)
        browser.picture(IMAGES / f"page-{theme}.png")
    browser.open(f"{address}#skill=db-migrate", height=760)
    browser.wait("document.querySelectorAll('#use-list li').length >= 10")
    browser.picture(IMAGES / "page-skill.png")


if __name__ == "__main__":
    main()
