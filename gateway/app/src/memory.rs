//! Gives memory back to the system that a rush has left behind. The allocator keeps what was freed between blocks that
//! are in use, for ever: a gateway would stay as large as the worst minute of its life made it.

use std::time::{Duration, Instant};

use roost_runtime::{BoxError, ChildSpec, Context};
use tracing::debug;

/// Until the first look at what is resident: what a start needs for a moment is free by then.
const LOOK_AFTER: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Looks after which free pages are searched for although nothing has grown: ten minutes. A look in the middle of a
/// rush finds nothing free, and what the rush leaves behind is no growth.
const ANYWAY_AFTER: u32 = 20;
/// Growth that is worth a search for free pages, in bytes and as a part of what was resident after the last one.
const WORTH_BYTES: u64 = 1 << 20;
const WORTH_PART: u64 = 32;

/// The child that looks.
pub(crate) fn child() -> ChildSpec {
    ChildSpec::new("memory", run)
}

async fn run(context: Context) -> Result<(), BoxError> {
    let (mut looks, mut wait) = (Looks::default(), LOOK_AFTER);
    loop {
        tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            () = tokio::time::sleep(wait) => wait = LOOK_EVERY,
        }
        // Where the kernel does not say it, it is as if nothing ever grew.
        let resident = resident_bytes().unwrap_or_default();
        if looks.is_time(resident) {
            let kept = tokio::task::spawn_blocking(move || give_back(resident)).await?;
            looks = Looks::after(kept);
        }
    }
}

/// What was seen since free pages were given back.
#[derive(Debug, Default)]
struct Looks {
    /// The lowest that was resident since then, in bytes.
    lowest: u64,
    count: u32,
}

impl Looks {
    fn after(kept: u64) -> Self {
        Self {
            lowest: kept,
            count: 0,
        }
    }

    /// Looks at what is resident: whether to search for free pages now.
    fn is_time(&mut self, resident: u64) -> bool {
        self.count += 1;
        self.lowest = self.lowest.min(resident);
        let worth = (self.lowest / WORTH_PART).max(WORTH_BYTES);
        resident > self.lowest + worth || self.count >= ANYWAY_AFTER
    }
}

/// Bytes that are resident afterwards.
fn give_back(before: u64) -> u64 {
    let begin = Instant::now();
    roost_heap::give_back();
    let (after, took) = (resident_bytes().unwrap_or(before), begin.elapsed());
    debug!(before, after, ?took, "gave free memory back");
    after
}

/// Resident memory in bytes, as the kernel says it (proc(5)).
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_looked_for_once_what_is_resident_has_grown_by_a_part_of_it() {
        let is_time = |kept: u64, resident| Looks::after(kept).is_time(resident);
        assert!(Looks::default().is_time(15 << 20));
        assert!(!is_time(15 << 20, 16 << 20));
        assert!(is_time(15 << 20, (16 << 20) + 1));
        assert!(!is_time(640 << 20, 660 << 20));
        assert!(is_time(640 << 20, (660 << 20) + 1));
    }

    #[test]
    fn what_a_rush_has_left_is_looked_for_although_nothing_has_grown_since_its_middle() {
        let mut looks = Looks::after(60 << 20);
        let mut quiet = (1..ANYWAY_AFTER).map(|_| looks.is_time(60 << 20));
        assert!(quiet.all(|is_time| !is_time));
        assert!(looks.is_time(60 << 20));
        // And what shrank by itself may not grow again unseen.
        let mut looks = Looks::after(60 << 20);
        assert!(!looks.is_time(40 << 20));
        assert!(looks.is_time(50 << 20));
    }

    #[test]
    fn what_is_resident_is_known() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
