//! What few sessions have: aliases, packets of QoS 2 on their way in, options of subscriptions.

use hashbrown::{HashMap, HashSet};
use roost_model::{Filter, Topic};

use crate::codec::Connect;
use crate::limits::Limits;

/// Options of one filter that its messages depend on (MQTT 5 section 3.8.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) filter: Filter,
    pub(crate) group: Option<Box<str>>,
    pub(crate) identifier: Option<u32>,
    pub(crate) retain_as_published: bool,
}

#[derive(Debug, Default)]
pub(super) struct Rare {
    /// Topics that the client's aliases stand for.
    pub(super) aliases_in: HashMap<u16, Topic>,
    /// Aliases that the client was told.
    pub(super) aliases_out: HashMap<Topic, u16>,
    pub(super) aliases_out_max: u16,
    /// Packets of QoS 2 that were taken and not released yet; those of a durable session are in the ledger.
    pub(super) received: HashSet<u16>,
    /// Filters with options.
    pub(super) options: Vec<Options>,
}

impl Rare {
    /// What a client needs from the beginning.
    pub(super) fn of(connect: &Connect, limits: &Limits) -> Option<Box<Self>> {
        let aliases_out_max = connect.topic_alias_maximum.min(limits.topic_aliases);
        (aliases_out_max > 0).then(|| {
            Box::new(Self {
                aliases_out_max,
                ..Self::default()
            })
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

    /// The alias to send a topic with, and whether the client knows it already.
    pub(super) fn alias(&mut self, topic: &Topic) -> Option<(u16, bool)> {
        if let Some(alias) = self.aliases_out.get(topic) {
            return Some((*alias, true));
        }
        let next = u16::try_from(self.aliases_out.len() + 1).ok()?;
        if next > self.aliases_out_max {
            return None;
        }
        self.aliases_out.insert(topic.clone(), next);
        Some((next, false))
    }
}
