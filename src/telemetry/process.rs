//! What the system knows of this process, by the names that every Prometheus client uses.
//! Read from `/proc`; elsewhere, and for what cannot be read, nothing is said.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;

#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(figures) = read() else { return Ok(()) };
        let help = "User and system processor time spent, in seconds.";
        encoder
            .encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, u64>(&figures.cpu_seconds, None)?;
        let mut gauge = |name, help, value| gauge(&mut encoder, name, help, value);
        gauge("process_resident_memory_bytes", "Resident memory in bytes.", Some(figures.resident_bytes))?;
        gauge("process_virtual_memory_bytes", "Address space in bytes.", Some(figures.virtual_bytes))?;
        gauge("process_threads", "Threads of the process.", Some(figures.threads))?;
        gauge("process_open_fds", "Open file descriptors.", figures.open_files)?;
        gauge("process_max_fds", "File descriptors that may be open.", figures.open_files_max)?;
        let help = "When the process started, in seconds since 1970.";
        gauge_of(&mut encoder, "process_start_time_seconds", help, figures.started_at_seconds)
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: Option<u64>) -> fmt::Result {
    gauge_of(encoder, name, help, value)
}

fn gauge_of(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: Option<impl EncodeGaugeValue>,
) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

struct Figures {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: u64,
    open_files: Option<u64>,
    open_files_max: Option<u64>,
    started_at_seconds: Option<f64>,
}

#[cfg(target_os = "linux")]
fn read() -> Option<Figures> {
    use procfs::process::{LimitValue, Process};
    use procfs::{CurrentSI, KernelStats};

    let process = Process::myself().ok()?;
    let stat = process.stat().ok()?;
    let ticks_per_second = procfs::ticks_per_second();
    #[expect(clippy::cast_precision_loss, reason = "ticks of a clock, some hundred a second")]
    let seconds = |ticks: u64| ticks as f64 / ticks_per_second as f64;
    let limit = match process.limits().ok().map(|limits| limits.max_open_files.soft_limit) {
        Some(LimitValue::Value(limit)) => Some(limit),
        Some(LimitValue::Unlimited) | None => None,
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let booted_at = KernelStats::current().ok().map(|stats| stats.btime as f64);
    Some(Figures {
        cpu_seconds: seconds(stat.utime + stat.stime),
        resident_bytes: stat.rss * procfs::page_size(),
        virtual_bytes: stat.vsize,
        threads: u64::try_from(stat.num_threads).unwrap_or(0),
        open_files: process.fd_count().ok().and_then(|count| u64::try_from(count).ok()),
        open_files_max: limit,
        started_at_seconds: booted_at.map(|booted_at| booted_at + seconds(stat.starttime)),
    })
}

#[cfg(not(target_os = "linux"))]
fn read() -> Option<Figures> {
    None
}
