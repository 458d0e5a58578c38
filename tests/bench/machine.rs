//! What the figures were taken on, and what a process costs there.

use std::fs;

use anyhow::Context;

/// Kernel ticks a second in `/proc/<pid>/stat` (proc(5): `sysconf(_SC_CLK_TCK)`, 100 on Linux as delivered).
const TICKS_PER_S: f64 = 100.0;

/// Resident memory of a process in kB of 1,024 bytes.
pub(crate) fn rss_kb(pid: u32) -> anyhow::Result<u64> {
    status_kb(pid, "VmRSS:")
}

fn status_kb(pid: u32, name: &'static str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name)).context(name)?;
    Ok(line.split_whitespace().nth(1).context("a figure")?.parse()?)
}

/// CPU seconds that a process has used.
pub(crate) fn cpu_s(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; what follows it is numbers.
    let rest = stat.rsplit_once(')').context("a name")?.1;
    let field = |index: usize| {
        rest.split_whitespace()
            .nth(index)
            .and_then(|text| text.parse::<f64>().ok())
    };
    Ok((field(11).context("utime")? + field(12).context("stime")?) / TICKS_PER_S)
}

/// Raises the limit on open files, for this program and for those that it starts: every client takes one on each side.
pub(crate) fn raise_file_limit() -> anyhow::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("the limit on open files")
}

/// Processor, cores, memory and kernel.
pub(crate) fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_default()
            .to_owned();
        line.split_once(':')
            .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let kernel = read("/proc/sys/kernel/osrelease");
    let processor = after(&read("/proc/cpuinfo"), "model name");
    format!(
        "{processor}, {cores} cores, {} memory, Linux {}",
        after(&read("/proc/meminfo"), "MemTotal"),
        kernel.trim()
    )
}

/// Today, as `date` says it.
pub(crate) fn today() -> String {
    let output = std::process::Command::new("date")
        .args(["-u", "+%Y-%m-%d"])
        .output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}
