//! What few sessions have: aliases, packets of QoS 2 on their way in, options of subscriptions.

use std::sync::Arc;

use hashbrown::HashSet;
use roost_model::Filter;

use super::aliases::{AliasBudget, Aliases};

/// Options of one filter that its messages depend on (MQTT 5 section 3.8.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) filter: Filter,
    pub(crate) group: Option<Box<str>>,
    pub(crate) identifier: Option<u32>,
    pub(crate) retain_as_published: bool,
}

#[derive(Debug)]
pub(super) struct Rare {
    pub(super) aliases: Aliases,
    /// Packets of QoS 2 that were taken and not released yet; those of a durable session are in the ledger.
    pub(super) received: HashSet<u16>,
    /// Filters with options.
    pub(super) options: Vec<Options>,
}

impl Rare {
    /// Nothing yet; `aliases_max` is how many aliases the client takes.
    pub(super) fn new(budget: &Arc<AliasBudget>, aliases_max: u16) -> Box<Self> {
        Box::new(Self {
            aliases: Aliases::new(budget, aliases_max),
            received: HashSet::new(),
            options: Vec::new(),
        })
    }

    /// Remembers the options of a filter, or that it has none.
    pub(super) fn set_options(&mut self, options: Options) {
        self.forget_options(&options.filter, options.group.as_deref());
        if options.identifier.is_some() || options.retain_as_published {
            self.options.push(options);
        }
    }

    pub(super) fn forget_options(&mut self, filter: &Filter, group: Option<&str>) {
        self.options
            .retain(|other| other.filter != *filter || other.group.as_deref() != group);
    }
}
