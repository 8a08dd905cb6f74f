"""`/metrics`: what the sources say, as Prometheus reads it.

A source is a function that gives, at the moment of a scrape, the samples of some families by name. A new
one is one more entry in the list that the composition root hands over; nothing here changes for it.
"""

import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.exposition import ALLOWUTF8, UNDERSCORES
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString

from session_buddy.live.counters import Histogram
from session_buddy.serve.metric_families import BY_NAME, FAMILIES, PREFIX, Family

Samples = Iterable[tuple[tuple[str, ...], float | Histogram]]
"""(values of the labels in their order, value) of one family; a histogram's value is a `Histogram`."""
Source = Callable[[], Mapping[str, Samples]]
GZIP_LEVEL: Final = 1
_SMALLEST_GZIPPED = 1_000

disable_created_metrics()  # type: ignore[no-untyped-call] # the library types it so


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered scrape."""

    content_type: str
    body: bytes
    gzipped: bool


class LiveCollector(Collector):
    """Gives the families, each with what its source says now."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """sources: asked in their order; where two give one family, the later one counts."""
        self._sources = list(sources)

    def collect(self) -> Iterator[Metric]:
        """All families, in the order of the contract.

        Raises:
            KeyError: a source gave a family that is not in the contract.
        """
        given: dict[str, Samples] = {}
        for source in self._sources:
            given |= source()
        for unknown in given.keys() - BY_NAME.keys():
            raise KeyError(f"{unknown} is not among the families of serve/metric_families.py")
        for family in FAMILIES:
            yield _metric(family, given.get(family.name, _nothing(family)))


class MetricsRenderer:
    """Renders scrapes; each takes milliseconds, so it belongs into a thread."""

    def __init__(self, sources: Sequence[Source]) -> None:
        """sources: see `LiveCollector`."""
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(LiveCollector(sources))

    def render(self, accept: str, *, compress: bool) -> Page:
        """A scrape in the format that the `Accept` header prefers: text, or OpenMetrics.

        compress: whether the scraper reads gzip.
        """
        encode, content_type = choose_encoder(accept)
        if isinstance(encode, partial) and encode.keywords.get("escaping") == UNDERSCORES:
            # None of our names needs escaping; told that nothing does, the library does not look at each
            # character of the name of each sample, which takes more than half of its time.
            encode = partial(encode, escaping=ALLOWUTF8)
        body = encode(self._registry)
        if compress and len(body) >= _SMALLEST_GZIPPED:
            return Page(content_type, gzip.compress(body, GZIP_LEVEL, mtime=0), gzipped=True)
        return Page(content_type, body, gzipped=False)


def _nothing(family: Family) -> Samples:
    return [((), 0.0)] if family.kind == "counter" and not family.labels else []


def _metric(family: Family, samples: Samples) -> Metric:
    name = PREFIX + family.name
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(name, family.help, labels=family.labels)
        for values, value in samples:
            assert isinstance(value, Histogram)  # noqa: S101 - the family's kind says so
            histogram.add_metric(values, list(_cumulative(value)), sum_value=value.total)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    simple = kind(name, family.help, labels=family.labels)
    for values, value in samples:
        assert not isinstance(value, Histogram)  # noqa: S101 - likewise
        simple.add_metric(values, value)
    return simple


def _cumulative(histogram: Histogram) -> Iterator[tuple[str, float]]:
    seen = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        seen += count
        yield floatToGoString(bound), float(seen)  # type: ignore[no-untyped-call] # likewise
