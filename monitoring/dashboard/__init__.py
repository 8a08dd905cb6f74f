"""The Grafana dashboard, built in code: `python -m monitoring.dashboard` writes grafana-dashboard.json."""
