//! The saboteur: a test program puts itself between supervisors and their children, to make them fail and hang.
//!
//! A gateway has none. Then this costs one look at an empty cell for each start of a child.

use std::sync::OnceLock;
use std::time::Duration;

use super::spec::ChildFuture;

/// Somebody who is handed every child when it starts, and may do to it what a bug would.
pub trait Saboteur: Send + Sync {
    /// What runs in the place of the child `child` of the supervisor `supervisor`.
    fn befall(&self, supervisor: &str, child: &str, future: ChildFuture) -> ChildFuture;

    /// How often all supervisors look for signs of life, if not as often as they would.
    fn look_every(&self) -> Option<Duration> {
        None
    }
}

static SABOTEUR: OnceLock<Box<dyn Saboteur>> = OnceLock::new();

/// Hands all children that start from now on to a saboteur: for programs that test. There is one in a program; of a
/// second one nothing comes, and the answer is `false`.
pub fn sabotage(saboteur: impl Saboteur + 'static) -> bool {
    SABOTEUR.set(Box::new(saboteur)).is_ok()
}

pub(super) fn befall(supervisor: &str, child: &str, future: ChildFuture) -> ChildFuture {
    match SABOTEUR.get() {
        None => future,
        Some(saboteur) => saboteur.befall(supervisor, child, future),
    }
}

pub(super) fn look_every(usual: Duration) -> Duration {
    let own = SABOTEUR.get().and_then(|saboteur| saboteur.look_every());
    own.unwrap_or(usual)
}
