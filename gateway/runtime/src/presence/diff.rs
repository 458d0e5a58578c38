//! What has changed under one topic.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Meta, Metas, entry};

type Side = BTreeMap<Arc<str>, Metas>;

/// Who has come and who has left.
#[derive(Debug, Default)]
pub(super) struct Diff {
    joins: Side,
    leaves: Side,
}

impl Diff {
    /// Notes a change. Of what came and left again within the same diff nobody needs to know.
    pub(super) fn note(&mut self, key: &Arc<str>, left: Option<(u64, Meta)>, came: Option<(u64, Meta)>) {
        if let Some((reference, meta)) = left
            && !self.forget(key, reference)
        {
            self.leaves
                .entry(Arc::clone(key))
                .or_default()
                .push((reference, meta));
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
