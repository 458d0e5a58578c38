//! What a process costs here, and what "here" is.

use std::fs;

use anyhow::Context as _;

/// Kernel ticks a second in `/proc/<pid>/stat` (proc(5): `sysconf(_SC_CLK_TCK)`, 100 on Linux as delivered).
const TICKS_PER_S: f64 = 100.0;

/// Resident memory of a process in bytes.
pub(crate) fn rss(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("a line VmRSS")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).context("a figure")?.parse()?;
    Ok(kilobytes * 1024)
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

/// Date, processor, cores, kernel.
pub(crate) fn describe() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let processor = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let date = std::process::Command::new("date")
        .args(["-u", "+%Y-%m-%d"])
        .output();
    let date = date.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!(
        "{date}, {processor}, {cores} cores, Linux {}",
        read("/proc/sys/kernel/osrelease").trim()
    )
}
