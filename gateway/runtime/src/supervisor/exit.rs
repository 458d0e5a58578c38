//! How a child ended, panics included: message and place of a panic are caught, the thread goes on.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::task::{Context, Poll};

use super::spec::{BoxError, ChildFuture};

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It returned `Ok`.
    Normal,
    /// It returned an error; the text holds the chain of causes.
    Failed(String),
    /// It panicked.
    Panicked {
        /// What the panic said.
        message: String,
        /// Source file and line.
        location: String,
    },
    /// It was aborted: it did not stop within its deadline or was not ready in time.
    Killed(&'static str),
}

impl Exit {
    /// Whether a transient child is restarted after it.
    #[must_use]
    pub fn is_abnormal(&self) -> bool {
        *self != Self::Normal
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("ended"),
            Self::Failed(reason) => f.write_str(reason),
            Self::Panicked { message, location } => write!(f, "panicked at {location}: {message}"),
            Self::Killed(why) => write!(f, "killed: {why}"),
        }
    }
}

/// An error and its causes in one line.
fn chain(error: &BoxError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Some errors already print their cause; saying it twice helps nobody.
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

thread_local! {
    /// Whether this thread is inside the poll of a supervised task.
    static SUPERVISED: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic on this thread began; the hook knows, `catch_unwind` does not.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs, once per process, the hook that notes where a supervised task panicked. Other panics go to the hook that
/// was there before.
pub(super) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if SUPERVISED.get() {
                let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
                LOCATION.with_borrow_mut(|location| *location = place);
            } else {
                previous(info);
            }
        }));
    });
}

/// The exit of whatever just panicked on this thread.
pub(super) fn panicked(payload: &(dyn Any + Send)) -> Exit {
    Exit::Panicked {
        message: message_of(payload),
        location: LOCATION.take().unwrap_or_else(|| "an unknown place".to_owned()),
    }
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

/// What a child ends with whose future could not be made.
#[derive(Debug)]
struct Stillborn(Exit);

impl fmt::Display for Stillborn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Stillborn {}

/// The future of a child that failed before there was one.
pub(super) fn stillborn(exit: Exit) -> ChildFuture {
    Box::pin(std::future::ready(Err(BoxError::from(Stillborn(exit)))))
}

/// Polls a child's future, which ends with its [`Exit`] instead of unwinding into the runtime.
pub(super) fn poll_guarded(future: &mut ChildFuture, cx: &mut Context<'_>) -> Poll<Exit> {
    // Nesting happens: a test may poll one supervised task inside another.
    let outer = SUPERVISED.replace(true);
    let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
    SUPERVISED.set(outer);
    match polled {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(Ok(()))) => Poll::Ready(Exit::Normal),
        Ok(Poll::Ready(Err(error))) => Poll::Ready(match error.downcast::<Stillborn>() {
            Ok(stillborn) => stillborn.0,
            Err(error) => Exit::Failed(chain(&error)),
        }),
        Err(payload) => Poll::Ready(panicked(payload.as_ref())),
    }
}

/// Drops what a child held. A panic on the way ends there.
pub(super) fn drop_guarded(future: ChildFuture) {
    let outer = SUPERVISED.replace(true);
    let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
    SUPERVISED.set(outer);
}
