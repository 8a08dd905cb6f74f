"""`doctor --monitoring`: the way from the server's metrics over Prometheus to Alertmanager."""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, urlsplit

from session_buddy.cli.checks import Finding, ok, problem
from session_buddy.cli.formats import count
from session_buddy.config import Settings

PROMETHEUS = "http://127.0.0.1:9090"
ALERTMANAGER = "http://127.0.0.1:9093"
_SECONDS = 5.0
_HOW_TO = "docs/how-to/deploy-monitoring.md"


def monitoring(settings: Settings, prometheus: str, alertmanager: str) -> list[Finding]:
    """Whether metrics are served, scraped, ruled over, and alerts reach Alertmanager, in this order.

    prometheus, alertmanager: base URLs.
    """
    return [
        _served(settings),
        _scraped(settings, prometheus.rstrip("/")),
        _ruled(prometheus.rstrip("/")),
        _alerting(prometheus.rstrip("/"), alertmanager.rstrip("/")),
    ]


def _served(settings: Settings) -> Finding:
    port = settings.metrics_port or settings.port
    if not port:
        return problem("metrics", "no port serves them (port = 0)", "Set port = 8765, or metrics_port.")
    url = f"{'https' if settings.tls_cert else 'http'}://127.0.0.1:{port}/metrics"
    try:
        text = _get(url).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        if error.code == 401 and settings.feed_secret:
            return ok("metrics", f"served at {url}, to who shows a token")
        return problem("metrics", f"{url} answers {error.code}", f"Another program may have port {port}.")
    except OSError as error:
        remedy = "Run 'session-buddy websocket-server', or the service in monitoring/."
        return problem("metrics", f"nothing is served at {url} ({_why(error)})", remedy)
    if "session_buddy_build_info" not in text:
        return problem("metrics", f"{url} is not ours", f"Another program has port {port}; set another port.")
    return ok("metrics", f"served at {url}")


def _scraped(settings: Settings, prometheus: str) -> Finding:
    try:
        found = _json(f"{prometheus}/api/v1/query?query={quote('session_buddy_build_info')}")
        targets = _json(f"{prometheus}/api/v1/targets?state=active")
    except (OSError, ValueError, KeyError) as error:
        return _no_prometheus("scrape", prometheus, error)
    if found["result"]:
        where = ", ".join(sorted(row["metric"].get("instance", "?") for row in found["result"]))
        return ok("scrape", f"Prometheus has metrics of {where}")
    port = settings.metrics_port or settings.port
    for target in targets["activeTargets"]:
        if urlsplit(target["scrapeUrl"]).port == port:
            why = target["lastError"] or "no scrape so far"
            return problem("scrape", f"{target['scrapeUrl']}: {why}", "Start what serves that port.")
    remedy = f"Take the scrape_configs of monitoring/prometheus.yml into its configuration ({_HOW_TO})."
    return problem("scrape", f"Prometheus at {prometheus} does not scrape session-buddy", remedy)


def _ruled(prometheus: str) -> Finding:
    try:
        groups = _json(f"{prometheus}/api/v1/rules")["groups"]
    except (OSError, ValueError, KeyError) as error:
        return _no_prometheus("rules", prometheus, error)
    rules = [
        rule for group in groups for rule in group["rules"] if group["name"].startswith("session_buddy_")
    ]
    alerts = [rule for rule in rules if rule["type"] == "alerting"]
    if not alerts:
        remedy = "Name monitoring/prometheus-alerts.yaml under rule_files, then reload Prometheus."
        return problem("rules", "Prometheus has none of ours loaded", remedy)
    ill = [rule for rule in rules if rule["health"] == "err"]
    if ill:
        detail = f"{ill[0]['name']} cannot be evaluated: {ill[0].get('lastError', '')}"
        return problem("rules", detail, "Run: promtool check rules monitoring/prometheus-alerts.yaml.")
    firing = [rule["name"] for rule in alerts if rule["state"] == "firing"]
    said = f"; firing: {', '.join(firing)}" if firing else ", none of them firing"
    return ok("rules", f"{count(len(alerts), 'alert')} loaded{said}")


def _alerting(prometheus: str, alertmanager: str) -> Finding:
    try:
        _get(f"{alertmanager}/-/ready")
    except OSError as error:
        remedy = f"Start it, or name it with --alertmanager URL ({_HOW_TO})."
        return problem("alerting", f"no Alertmanager at {alertmanager} ({_why(error)})", remedy)
    try:
        active = _json(f"{prometheus}/api/v1/alertmanagers")["activeAlertmanagers"]
    except (OSError, ValueError, KeyError) as error:
        return _no_prometheus("alerting", prometheus, error)
    if not active:
        remedy = "Take the section 'alerting' of monitoring/prometheus.yml into its configuration."
        return problem("alerting", "Prometheus knows no Alertmanager, so alerts reach nobody", remedy)
    told = ", ".join(urlsplit(one["url"]).netloc for one in active)
    return ok("alerting", f"Prometheus tells {told}")


def _no_prometheus(check: str, prometheus: str, error: Exception) -> Finding:
    remedy = f"Start it, or name it with --prometheus URL ({_HOW_TO})."
    return problem(check, f"no Prometheus at {prometheus} ({_why(error)})", remedy)


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return str(getattr(reason, "strerror", None) or reason)


def _json(url: str) -> Any:
    return json.loads(_get(url))["data"]


def _get(url: str) -> bytes:
    # A certificate of one's own for this machine's own port is signed by nobody.
    context = ssl._create_unverified_context() if url.startswith("https://127.") else None  # noqa: S323, SLF001
    request = urllib.request.Request(url, headers={"Accept": "*/*"})  # noqa: S310 - what the person named
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with opener.open(request, timeout=_SECONDS) as answer:
        body: bytes = answer.read()
    return body
