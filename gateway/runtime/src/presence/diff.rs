//! What has changed under one topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Meta, Metas, entry};

type Side = BTreeMap<Arc<str>, Metas>;

/// A presence that has ended.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) reference: u64,
    pub(super) meta: Meta,
    /// Whether somebody was shown a list with it.
    pub(super) was_listed: bool,
}

/// Who has come and who has left.
#[derive(Debug, Default)]
pub(super) struct Diff {
    joins: Side,
    leaves: Side,
}

impl Diff {
    /// Notes a change. Of what came and left again within the same diff nobody needs to know, unless a list has shown
    /// it meanwhile: then it has left, and for those who did not see the list it is nobody. That it came is left out:
    /// who goes by key, and not by reference, would take it for somebody who is there.
    pub(super) fn note(&mut self, key: &Arc<str>, left: Option<Left>, came: Option<(u64, Meta)>) {
        if let Some(left) = left
            && (!self.forget(key, left.reference) || left.was_listed)
        {
            self.leaves
                .entry(Arc::clone(key))
                .or_default()
                .push((left.reference, left.meta));
        }
        if let Some(came) = came {
            self.joins.entry(Arc::clone(key)).or_default().push(came);
        }
    }

    /// Takes back a join. Whether there was one.
    fn forget(&mut self, key: &Arc<str>, reference: u64) -> bool {
        let Some(metas) = self.joins.get_mut(key) else {
            return false;
        };
        let Some(at) = metas.iter().position(|(other, _)| *other == reference) else {
            return false;
        };
        metas.remove(at);
        if metas.is_empty() {
            self.joins.remove(key);
        }
        true
    }

    /// As a client is told; `None` if nothing has changed in the end.
    pub(super) fn into_value(self) -> Option<Value> {
        if self.joins.is_empty() && self.leaves.is_empty() {
            return None;
        }
        Some(json!({ "joins": side(self.joins), "leaves": side(self.leaves) }))
    }
}

fn side(side: Side) -> Value {
    let entries = side
        .into_iter()
        .map(|(key, metas)| (key.to_string(), entry(&metas)));
    Value::Object(entries.collect())
}
