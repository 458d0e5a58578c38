//! What a view hears of the bus.

use std::collections::VecDeque;
use std::sync::Arc;

use roost_runtime::{Bus, Filter, Message, Policy, QoS, Subscription};
use thiserror::Error;

/// Filters that a view may hold.
pub const SUBSCRIPTIONS: usize = 64;
/// Messages of the bus that wait for a view; then the oldest goes, for a page shows what is, not what was.
pub const PUBLISHED: usize = 256;

/// A filter that cannot be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilterError {
    /// It is no filter.
    #[error("{filter} is no filter of the bus: {reason}")]
    Invalid {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The view has its filters.
    #[error("a view has at most {SUBSCRIPTIONS} filters: subscribe to fewer, wider ones")]
    TooMany,
}

/// What a view hears of the bus.
#[derive(Debug)]
pub(crate) struct Listening {
    subscription: Subscription,
    /// What was retained when a filter was added.
    retained: VecDeque<Arc<Message>>,
}

impl Listening {
    pub(crate) fn new(bus: &Bus) -> Self {
        Self {
            subscription: bus.subscriber(PUBLISHED, Policy::DropOldest),
            retained: VecDeque::new(),
        }
    }

    pub(crate) fn checked(filter: &str) -> Result<Filter, FilterError> {
        Filter::new(filter).map_err(|error| FilterError::Invalid {
            filter: filter.to_owned(),
            reason: error.to_string(),
        })
    }

    pub(crate) fn add(&mut self, filter: &str) -> Result<(), FilterError> {
        let filter = Self::checked(filter)?;
        if self.subscription.filter_count() >= SUBSCRIPTIONS {
            return Err(FilterError::TooMany);
        }
        self.retained
            .extend(self.subscription.add(filter, QoS::AtMostOnce));
        Ok(())
    }

    pub(crate) fn remove(&mut self, filter: &str) {
        if let Ok(filter) = Self::checked(filter) {
            self.subscription.remove(&filter, None);
        }
    }

    /// The next message, if one waits.
    pub(crate) fn take(&mut self) -> Option<Arc<Message>> {
        let retained = self.retained.pop_front();
        retained.or_else(|| Some(self.subscription.try_recv()?.message))
    }

    /// Returns when there may be a message. Safe to cancel.
    pub(crate) async fn woken(&self) {
        if self.retained.is_empty() {
            self.subscription.woken().await;
        }
    }
}
