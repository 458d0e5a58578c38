//! What the client subscribes to.

use roost_model::Filter;
use roost_runtime::Terms;
use tracing::debug;

use super::rare::Options;
use super::{Close, Session};
use crate::codec::{Granted, Reason, RetainHandling, Wanted};
use crate::stats::BrokerStats;

/// Prefix of a filter that is shared by a group (MQTT 5 section 4.8.2). 3.1.1 clients may use it too, as elsewhere.
const SHARED: &str = "$share/";

/// Group and filter of what a client subscribes to.
fn split_share(text: &str) -> Result<(Option<&str>, &str), Reason> {
    let Some(rest) = text.strip_prefix(SHARED) else {
        return Ok((None, text));
    };
    match rest.split_once('/') {
        Some((group, filter)) if !group.is_empty() && !group.contains(['+', '#']) => {
            Ok((Some(group), filter))
        }
        _ => Err(Reason::TopicFilterInvalid),
    }
}

impl Session {
    pub(super) fn subscribe(
        &mut self,
        wanted: Wanted<'_>,
        identifier: Option<u32>,
    ) -> Result<Granted, Close> {
        let Ok((group, text)) = split_share(wanted.filter) else {
            return Ok(Granted::No(Reason::TopicFilterInvalid));
        };
        let Ok(filter) = Filter::new(text) else {
            return Ok(Granted::No(Reason::TopicFilterInvalid));
        };
        if group.is_some() && wanted.no_local {
            // Section 3.8.3.1 makes this an error of the protocol.
            return Err(Close::Because(Reason::ProtocolError));
        }
        if self.grant.is_quarantined {
            // It is not to think that something is wrong with it; but nothing is for it yet.
            return Ok(Granted::Yes(wanted.qos));
        }
        if !self.grant.may_subscribe(&filter) {
            BrokerStats::count(&self.stats().forbidden);
            debug!(client = %self.grant.identity, %filter, "subscription outside its own topics");
            return Ok(Granted::No(Reason::NotAuthorized));
        }
        let known = self.subscription.has(&filter, group);
        if !known && !self.has_room_for_filter() {
            return Ok(Granted::No(Reason::QuotaExceeded));
        }
        let options = Options {
            filter: filter.clone(),
            group: group.map(Into::into),
            identifier,
            retain_as_published: wanted.retain_as_published,
        };
        let terms = Terms {
            qos: wanted.qos,
            no_local: wanted.no_local,
            group,
        };
        if self.durable != 0 {
            let Some(written) = self.broker.ledger().subscribed(self.durable, terms, &options) else {
                return Ok(Granted::No(Reason::QuotaExceeded));
            };
            self.barrier = self.barrier.max(written);
        }
        self.set_options(options);
        let wants_retained = group.is_none()
            && match wanted.retained {
                RetainHandling::Always => true,
                RetainHandling::IfNew => !known,
                RetainHandling::Never => false,
            };
        if wants_retained {
            let replay = self.replay.get_or_insert_default();
            replay.add(filter.clone(), wanted.qos);
        }
        // Devices subscribe alike, each with its own name in its filters.
        self.subscription.listen_as(&self.grant.identity, filter, terms);
        Ok(Granted::Yes(wanted.qos))
    }

    fn has_room_for_filter(&self) -> bool {
        let limits = self.broker.limits();
        self.subscription.filter_count() < limits.subscriptions
            && self.broker.bus().filter_bytes() < limits.filter_bytes
    }

    /// Goes on with a filter of an earlier connection, unless the client may not have it any more.
    pub(crate) fn resume(&mut self, options: Options) {
        if self.grant.may_subscribe(&options.filter) {
            self.set_options(options);
            return;
        }
        if let Some(replay) = &mut self.replay {
            replay.remove(&options.filter);
        }
        let group = options.group.as_deref();
        self.subscription.remove(&options.filter, group);
        let written = self
            .broker
            .ledger()
            .unsubscribed(self.durable, &options.filter, group);
        self.barrier = self.barrier.max(written);
    }

    /// Takes back what waits for the client from before and it may not have any more: it is judged by the rights that
    /// it has now, and not by those that it had when that was published.
    pub(crate) fn withdraw(&mut self) {
        let grant = &self.grant;
        self.broker
            .ledger()
            .withdraw(self.durable, |topic| grant.may_have(topic));
        if let Some(replay) = &mut self.replay {
            replay.withdraw(|topic| grant.may_have(topic));
        }
    }

    fn set_options(&mut self, options: Options) {
        let matters = options.identifier.is_some() || options.retain_as_published;
        if matters || self.rare.is_some() {
            self.rare().set_options(options);
        }
    }

    pub(super) fn unsubscribe(&mut self, text: &str) -> bool {
        let Ok((group, text)) = split_share(text) else {
            return false;
        };
        let Ok(filter) = Filter::new(text) else {
            return false;
        };
        if let Some(rare) = &mut self.rare {
            rare.forget_options(&filter, group);
        }
        if let Some(replay) = self.replay.as_mut().filter(|_| group.is_none()) {
            replay.remove(&filter);
        }
        let removed = self.subscription.remove(&filter, group);
        if removed && self.durable != 0 {
            let written = self.broker.ledger().unsubscribed(self.durable, &filter, group);
            self.barrier = self.barrier.max(written);
        }
        removed
    }
}
