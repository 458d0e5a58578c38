//! Gives memory back to the system that a rush has left behind. The allocator keeps what was freed between blocks that
//! are in use, for ever: a gateway would stay as large as the worst minute of its life made it.

use std::time::{Duration, Instant};

use roost_runtime::{BoxError, ChildSpec, Context};
use tracing::debug;

/// Until the first look at what is resident: what a start needs for a moment is free by then.
const LOOK_AFTER: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Growth that is worth a search for free pages, in bytes and as a part of what was resident after the last one.
const WORTH_BYTES: u64 = 1 << 20;
const WORTH_PART: u64 = 32;

/// The child that looks.
pub(crate) fn child() -> ChildSpec {
    ChildSpec::new("memory", run)
}

async fn run(context: Context) -> Result<(), BoxError> {
    let (mut kept, mut wait) = (0, LOOK_AFTER);
    loop {
        tokio::select! {
            () = context.shutdown.requested() => return Ok(()),
            () = tokio::time::sleep(wait) => wait = LOOK_EVERY,
        }
        // Where the kernel does not say it, it is as if nothing ever grew.
        let resident = resident_bytes().unwrap_or_default();
        if is_worth(kept, resident) {
            kept = tokio::task::spawn_blocking(move || give_back(resident)).await?;
        }
    }
}

fn is_worth(kept: u64, resident: u64) -> bool {
    resident > kept + (kept / WORTH_PART).max(WORTH_BYTES)
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
        assert!(is_worth(0, 15 << 20));
        assert!(!is_worth(15 << 20, 16 << 20));
        assert!(is_worth(15 << 20, (16 << 20) + 1));
        assert!(!is_worth(640 << 20, 660 << 20));
        assert!(is_worth(640 << 20, (660 << 20) + 1));
    }

    #[test]
    fn what_is_resident_is_known() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
