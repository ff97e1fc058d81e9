//! Figures in Prometheus's formats. Counters and histograms are handles that are counted on as
//! things happen; everything that is known anyway is read when somebody asks ([`Page`]).
//!
//! No label may hold what clients choose (users, ids, paths): each set of values is one series for
//! as long as the process lives.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeMetric, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::counter::Counter as PlainCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram as PlainHistogram;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

use super::process;

/// A count that only rises.
pub type Counter = PlainCounter;
/// How values are spread over its buckets.
pub type Histogram = PlainHistogram;

/// Every name begins so.
const PREFIX: &str = "diagramd";

/// A label's name and value.
type Label = (&'static str, Cow<'static, str>);
/// The values of labels whose names are fixed.
pub type Labels<const N: usize> = [Cow<'static, str>; N];

/// How the page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus's text format 0.0.4, which everything reads.
    Text,
    /// OpenMetrics 1.0, for who asks for it.
    OpenMetrics,
}

impl Exposition {
    /// What an `Accept` header asks for; OpenMetrics only when it is named.
    pub fn accepted(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("application/openmetrics-text") => Self::OpenMetrics,
            Some(_) | None => Self::Text,
        }
    }

    /// Its `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Everything that is shown. Fill it once, then share it.
pub struct Metrics {
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process));
        Self { registry }
    }
}

impl Metrics {
    /// A counter; `name` stands without the `diagramd_` and the `_total` that are added, `help`
    /// without the full stop.
    pub fn counter(&mut self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.registry.register(prefixed(name), help, counter.clone());
        counter
    }

    /// Counters, one for each set of values of `labels`.
    pub fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
    ) -> Counters<N> {
        let family = Family::default();
        self.registry.register(prefixed(name), help, family.clone());
        Counters { labels, family }
    }

    /// Amounts of money, one for each set of values of `labels`: counted in whole nano-dollars,
    /// shown in dollars.
    pub fn dollars<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
    ) -> DollarCounters<N> {
        let family = Family::default();
        self.registry.register(prefixed(name), help, family.clone());
        DollarCounters { labels, family }
    }

    /// A histogram over `buckets`, upper bounds that rise, in the unit that the name ends with.
    pub fn histogram(&mut self, name: &str, help: &str, buckets: &'static [f64]) -> Histogram {
        let histogram = Histogram::new(buckets.iter().copied());
        self.registry.register(prefixed(name), help, histogram.clone());
        histogram
    }

    /// Histograms, one for each set of values of `labels`.
    pub fn histograms<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
        buckets: &'static [f64],
    ) -> Histograms<N> {
        let family = Family::new_with_constructor(Buckets(buckets));
        self.registry.register(prefixed(name), help, family.clone());
        Histograms { labels, family }
    }

    /// `write` is called at each look and writes what is known anyway. It must not block for long.
    pub fn at_each_look(&mut self, write: impl Fn(&mut Page<'_>) -> fmt::Result + Send + Sync + 'static) {
        self.registry.register_collector(Box::new(Look(write)));
    }

    /// The page as it is now.
    ///
    /// # Errors
    /// When a part could not be written, which would be our mistake.
    pub fn page(&self, exposition: Exposition) -> Result<String, fmt::Error> {
        let mut page = String::with_capacity(32 << 10);
        match exposition {
            Exposition::Text => prometheus_text::encode(&mut page, &self.registry)?,
            Exposition::OpenMetrics => text::encode(&mut page, &self.registry)?,
        }
        Ok(page)
    }
}

fn prefixed(name: &str) -> String {
    format!("{PREFIX}_{name}")
}

fn set<const N: usize>(names: [&'static str; N], values: Labels<N>) -> [Label; N] {
    let mut names = names.into_iter();
    values.map(|value| (names.next().unwrap_or_default(), value))
}

/// Counters that differ in their labels; cheap to clone.
#[derive(Clone, Debug)]
pub struct Counters<const N: usize> {
    labels: [&'static str; N],
    family: Family<[Label; N], Counter>,
}

impl<const N: usize> Counters<N> {
    /// Counts `more` where the labels have these values. Zero makes the series stand there from the
    /// start, so that its first rise is seen as one.
    pub fn add(&self, values: Labels<N>, more: u64) {
        self.family.get_or_create(&set(self.labels, values)).inc_by(more);
    }
}

/// Amounts of money that differ in their labels; cheap to clone.
#[derive(Clone, Debug)]
pub struct DollarCounters<const N: usize> {
    labels: [&'static str; N],
    family: Family<[Label; N], NanoDollars>,
}

impl<const N: usize> DollarCounters<N> {
    /// Adds nano-dollars where the labels have these values.
    pub fn add_nano_dollars(&self, values: Labels<N>, more: u64) {
        self.family.get_or_create(&set(self.labels, values)).0.fetch_add(more, Ordering::Relaxed);
    }
}

/// A sum of whole nano-dollars, so that no rounding gathers.
#[derive(Clone, Debug, Default)]
struct NanoDollars(Arc<AtomicU64>);

impl TypedMetric for NanoDollars {
    const TYPE: MetricType = MetricType::Counter;
}

impl EncodeMetric for NanoDollars {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "exact to 9 million dollars")]
        let dollars = self.0.load(Ordering::Relaxed) as f64 / 1e9;
        encoder.encode_counter::<NoLabelSet, _, u64>(&dollars, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

/// Histograms that differ in their labels; cheap to clone.
#[derive(Clone, Debug)]
pub struct Histograms<const N: usize> {
    labels: [&'static str; N],
    family: Family<[Label; N], Histogram, Buckets>,
}

impl<const N: usize> Histograms<N> {
    /// Notes a value where the labels have these values.
    pub fn observe(&self, values: Labels<N>, value: f64) {
        self.family.get_or_create(&set(self.labels, values)).observe(value);
    }

    /// Makes the series stand there before its first value.
    pub fn expect(&self, values: Labels<N>) {
        drop(self.family.get_or_create(&set(self.labels, values)));
    }
}

#[derive(Clone, Copy, Debug)]
struct Buckets(&'static [f64]);

impl prometheus_client::metrics::family::MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// What is written at one look.
pub struct Page<'a>(pub(super) DescriptorEncoder<'a>);

impl Page<'_> {
    /// One figure of now. `help` stands without the full stop.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl EncodeGaugeValue) -> fmt::Result {
        self.gauges(name, help, [], [([], value)])
    }

    /// Figures of now, one for each set of values of `labels`. Without any, the name is left out.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn gauges<const N: usize, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
        rows: impl IntoIterator<Item = (Labels<N>, V)>,
    ) -> fmt::Result {
        self.rows(name, help, MetricType::Gauge, labels, rows, |mut metric, value| {
            metric.encode_gauge(&value)
        })
    }

    /// Counts that somebody else keeps; `name` stands without `_total`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn counts<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
        rows: impl IntoIterator<Item = (Labels<N>, u64)>,
    ) -> fmt::Result {
        self.rows(name, help, MetricType::Counter, labels, rows, |mut metric, value| {
            metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    fn rows<const N: usize, V>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        labels: [&'static str; N],
        rows: impl IntoIterator<Item = (Labels<N>, V)>,
        encode: impl Fn(MetricEncoder<'_>, V) -> fmt::Result,
    ) -> fmt::Result {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        let (name, help) = (prefixed(name), format!("{help}."));
        let mut metric = self.0.encode_descriptor(&name, &help, None, kind)?;
        for (values, value) in rows {
            encode(metric.encode_family(&set(labels, values))?, value)?;
        }
        Ok(())
    }
}

struct Look<F>(F);

impl<F> Debug for Look<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Look")
    }
}

impl<F: Fn(&mut Page<'_>) -> fmt::Result + Send + Sync + 'static> Collector for Look<F> {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        (self.0)(&mut Page(encoder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(page: &str) -> String {
        let lines = page.lines().filter(|line| line.contains(PREFIX));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn both_formats_say_the_same() {
        let mut metrics = Metrics::default();
        let calls = metrics.counters("calls", "Calls", ["lane"]);
        calls.add(["a \"b\"\n".into()], 2);
        calls.add(["c".into()], 0);
        metrics.dollars("cost_dollars", "Cost", []).add_nano_dollars([], 1_000_000_001);
        metrics.histogram("wait_seconds", "Waits", &[0.5, 1.5]).observe(0.75);
        metrics.at_each_look(|page| {
            page.gauge("depth", "Waiting", 3_u64)?;
            page.gauges("lanes", "Lanes", ["lane"], Vec::<(Labels<1>, u64)>::new())
        });
        let text = own(&metrics.page(Exposition::Text).unwrap());
        for line in [
            "# HELP diagramd_calls_total Calls.",
            "# TYPE diagramd_calls_total counter",
            "diagramd_calls_total{lane=\"a \\\"b\\\"\\n\"} 2",
            "diagramd_calls_total{lane=\"c\"} 0",
            "diagramd_cost_dollars_total 1.000000001",
            "diagramd_wait_seconds_bucket{le=\"0.5\"} 0",
            "diagramd_wait_seconds_bucket{le=\"1.5\"} 1",
            "diagramd_wait_seconds_count 1",
            "# TYPE diagramd_depth gauge",
            "diagramd_depth 3",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(!text.contains("lanes"), "nothing is said of what there is none of");
        let open = metrics.page(Exposition::OpenMetrics).unwrap();
        assert!(open.ends_with("# EOF\n") && open.contains("# TYPE diagramd_calls counter"), "{open}");
        let values = |page: &str| {
            let lines = page.lines().filter(|line| line.starts_with(PREFIX));
            let mut lines: Vec<String> = lines.map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(values(&text), values(&open));
    }

    #[test]
    fn open_metrics_only_when_it_is_named() {
        assert_eq!(Exposition::accepted(None), Exposition::Text);
        assert_eq!(Exposition::accepted(Some("text/plain;version=0.0.4,*/*")), Exposition::Text);
        let prometheus = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
        assert_eq!(Exposition::accepted(Some(prometheus)), Exposition::OpenMetrics);
    }
}
