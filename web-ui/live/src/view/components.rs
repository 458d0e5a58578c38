//! The components of one view: their numbers, their states, and what was said to them since they were last heard.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::component::LiveComponent;
use super::erased::{AnyComponent, MountComponent, mount_component};
use crate::render::Cid;

/// Most components of one view.
pub const COMPONENTS: usize = 10_000;

struct Slot {
    key: (TypeId, Box<str>),
    /// `None` before it was mounted, and while it is called.
    component: Option<Box<dyn AnyComponent>>,
}

/// Props that a template or an update has for a component.
pub(crate) struct Said {
    pub(crate) cid: Cid,
    pub(crate) props: Box<dyn Any + Send>,
    pub(crate) mount: MountComponent,
}

/// The components of one view.
#[derive(Default)]
pub(crate) struct Components {
    last: u32,
    by_key: HashMap<(TypeId, Box<str>), Cid>,
    slots: BTreeMap<Cid, Slot>,
    said: VecDeque<Said>,
    /// Those to which a template has said something that they have not heard yet.
    placed: BTreeSet<Cid>,
}

impl Components {
    /// The number of the component of this type and id, new if there is none, with what is said to it.
    pub(crate) fn place<C: LiveComponent>(&mut self, id: &str, props: C::Props) -> Cid {
        let key = (TypeId::of::<C>(), Box::from(id));
        let cid = match self.by_key.get(&key) {
            Some(cid) => *cid,
            None => self.number(key),
        };
        if !self.placed.insert(cid) {
            tracing::error!(
                component = std::any::type_name::<C>(),
                id,
                "two components of one view have the same id"
            );
        }
        self.say::<C>(cid, props);
        cid
    }

    fn number(&mut self, key: (TypeId, Box<str>)) -> Cid {
        assert!(
            self.slots.len() < COMPONENTS,
            "a view has at most {COMPONENTS} components"
        );
        self.last += 1;
        let cid = Cid(self.last);
        self.by_key.insert(key.clone(), cid);
        self.slots.insert(cid, Slot { key, component: None });
        cid
    }

    fn say<C: LiveComponent>(&mut self, cid: Cid, props: C::Props) {
        let props: Box<dyn Any + Send> = Box::new(props);
        self.said.push_back(Said {
            cid,
            props,
            mount: mount_component::<C>,
        });
    }

    /// Says something to a component that is there. Returns whether it is.
    pub(crate) fn update<C: LiveComponent>(&mut self, id: &str, props: C::Props) -> bool {
        let key = (TypeId::of::<C>(), Box::from(id));
        let cid = self.by_key.get(&key).copied();
        if let Some(cid) = cid {
            self.say::<C>(cid, props);
        }
        cid.is_some()
    }

    /// The next thing that was said, in order.
    pub(crate) fn heard(&mut self) -> Option<Said> {
        let said = self.said.pop_front();
        if said.is_none() {
            self.placed.clear();
        }
        said
    }

    /// Whether there is such a component.
    pub(crate) fn has(&self, cid: Cid) -> bool {
        self.slots.contains_key(&cid)
    }

    /// Takes a component out, to call it with the context that holds this.
    pub(crate) fn take(&mut self, cid: Cid) -> Option<Box<dyn AnyComponent>> {
        self.slots.get_mut(&cid)?.component.take()
    }

    /// Puts a component back.
    pub(crate) fn put(&mut self, cid: Cid, component: Box<dyn AnyComponent>) {
        if let Some(slot) = self.slots.get_mut(&cid) {
            slot.component = Some(component);
        }
    }

    /// The client has removed a component: its state goes, its number is not given again.
    pub(crate) fn remove(&mut self, cid: Cid) {
        if let Some(slot) = self.slots.remove(&cid) {
            self.by_key.remove(&slot.key);
        }
    }
}

impl std::fmt::Debug for Components {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Components")
            .field("count", &self.slots.len())
            .finish_non_exhaustive()
    }
}
