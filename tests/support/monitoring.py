"""The real Prometheus and the real Alertmanager, each in a process of its own, and what is given to them."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from tests.support.live import free_port
from tests.support.waiting import wait_for

MONITORING = Path(__file__).parents[2] / "monitoring"
RULES = MONITORING / "prometheus-alerts.yaml"

_DURATION = re.compile(r"(?<=\[)\w+(?=\])|(?<=offset )\w+|(?<=interval: )\w+|(?<=for: )\w+|(?<=wait: )\w+")
_PART = re.compile(r"(\d+)(ms|[smhdw])")
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

Series = tuple[Mapping[str, str], list[tuple[float, float]]]
"""(labels with `__name__`, [(seconds since 1970, value)])"""


class Program:
    """A server that is ready when the block begins, and has ended when it ends."""

    def __init__(self, words: list[str], port: int, log: Path) -> None:
        self.port = port
        self._words = words
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._words, stdout=log, stderr=log)
        wait_for(self._is_ready, f"{self._words[0]} is ready; {self._log} says why not")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(20)

    def get(self, path: str, **parameters: str | list[str]) -> Any:
        """The JSON that a path answers with."""
        query = f"?{urlencode(parameters, doseq=True)}" if parameters else ""
        with urllib.request.urlopen(f"{self.url}{path}{query}", timeout=20) as answer:
            return json.load(answer)

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Prometheus(Program):
    """A Prometheus over a configuration file; its data lies in `folder/data`."""

    def __init__(self, binary: Path, config: Path, folder: Path, *further: str) -> None:
        """further: flags."""
        port = free_port()
        words = [
            *(str(binary), *further),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--storage.tsdb.retention.time=1y",
        ]
        super().__init__(words, port, folder / "prometheus.log")

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """The result of an instant query: `metric` and `value` of each series."""
        moment = {} if at is None else {"time": str(at)}
        found = self.get("/api/v1/query", query=expression, **moment)["data"]
        if found["resultType"] == "scalar":
            return [{"metric": {}, "value": found["result"]}]
        rows: list[dict[str, Any]] = found["result"]
        return rows

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The result of a range query: `metric` and `values` of each series."""
        parameters = {"query": expression, "start": str(start), "end": str(end), "step": str(step)}
        rows: list[dict[str, Any]] = self.get("/api/v1/query_range", **parameters)["data"]["result"]
        return rows

    def alerts(self, state: str = "firing") -> dict[str, dict[str, str]]:
        """Labels of the alerts in a state, by name."""
        found = self.get("/api/v1/alerts")["data"]["alerts"]
        return {alert["labels"]["alertname"]: alert["labels"] for alert in found if alert["state"] == state}

    def rule_groups(self) -> list[dict[str, Any]]:
        """The rules as it evaluates them."""
        groups: list[dict[str, Any]] = self.get("/api/v1/rules")["data"]["groups"]
        return groups


class Alertmanager(Program):
    """An Alertmanager over a configuration file."""

    def __init__(self, binary: Path, config: Path, folder: Path) -> None:
        port = free_port()
        words = [
            str(binary),
            f"--config.file={config}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ]
        super().__init__(words, port, folder / "alertmanager.log")

    def alerts(self) -> dict[str, dict[str, Any]]:
        """The alerts that it has now, by name."""
        found = self.get("/api/v2/alerts", active="true", inhibited="true", silenced="true")
        return {alert["labels"]["alertname"]: alert for alert in found}


def shortened(text: str, factor: float) -> str:
    """A shipped file with every duration in it divided: windows, offsets, intervals, `for` and waits."""
    return _DURATION.sub(lambda found: f"{max(1, round(milliseconds(found[0]) / factor))}ms", text)


def milliseconds(duration: str) -> int:
    """A duration as Prometheus writes it."""
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(duration))


def backfill(promtool: Path, folder: Path, series: Iterable[Series]) -> None:
    """Put history into the data of a Prometheus that is not running."""
    by_name: dict[str, list[str]] = {}
    for labels, samples in series:
        inside = ",".join(f"{key}={json.dumps(value)}" for key, value in labels.items() if key != "__name__")
        lines = by_name.setdefault(labels["__name__"], [])
        lines += [f"{labels['__name__']}{{{inside}}} {value!r} {at:.3f}" for at, value in samples]
    text = folder / "history.txt"
    with text.open("w") as file:
        for name, lines in by_name.items():
            file.write(f"# TYPE {name} unknown\n" + "\n".join(lines) + "\n")
        file.write("# EOF\n")
    subprocess.run(
        [
            *(str(promtool), "tsdb", "create-blocks-from", "openmetrics"),
            *("--max-block-duration=36h", str(text), str(folder / "data")),  # as Prometheus compacts 15 days
        ],
        check=True,
        capture_output=True,
    )
    text.unlink()
