//! The components of a view at work: what has changed on them and around them, and how they come and go.

use std::collections::BTreeSet;

use super::super::erased::AnyComponent;
use super::{Part, Running};
use crate::render::{Cid, Diff, Rendered};

impl Running {
    /// What has changed on a part of the page, and what goes along with it.
    pub(super) fn difference(&mut self, part: Part) -> Option<String> {
        // Taken out because rendering needs the rest of the view.
        let mut differ = std::mem::take(&mut self.differ);
        // In order.
        let known: Vec<Cid> = differ.components().collect();
        let mut message = differ.message();
        match part {
            Part::Whole => {
                let page = self.page();
                self.spare(&page);
                message.root(&page);
            }
            Part::Component(cid) => self.told.push_front(cid),
            Part::Nothing => self.hear(),
        }
        loop {
            let told = self.told.pop_front();
            let Some(cid) = told.or_else(|| message.missing()) else {
                break;
            };
            // What is placed for the first time is missing, and comes later. The client has one that it is about to
            // remove, and may show it.
            let is_known = known.binary_search(&cid).is_ok() || self.doomed.contains(&cid);
            if told.is_some() && !is_known {
                continue;
            }
            let Some(page) = self.component_page(cid) else {
                tracing::error!(%cid, "a component is placed that was never made");
                break;
            };
            if !self.doomed.contains(&cid) {
                self.spare(&page);
            }
            message.component(cid, &page);
            self.told.remove(cid);
        }
        let effects = &mut self.context.effects;
        if let Some(title) = effects.title.take() {
            message.title(&title);
        }
        for pushed in effects.events.drain(..) {
            if pushed.before {
                message.event_before(&pushed.name, &pushed.payload);
            } else {
                message.event(&pushed.name, &pushed.payload);
            }
        }
        if let Some(reply) = effects.reply.take() {
            message.reply(&reply);
        }
        let diff = message.finish();
        self.differ = differ;
        diff.map(Diff::into_json)
    }

    /// What is placed again is not removed.
    fn spare(&mut self, page: &Rendered) {
        if !self.doomed.is_empty() {
            for cid in page.components() {
                self.doomed.remove(&cid);
            }
        }
    }

    /// Renders the page and lets its components hear what it says to them.
    pub(super) fn page(&mut self) -> Rendered {
        let page = self.view.render(&self.context);
        self.hear();
        page
    }

    /// Gives components what was said to them.
    fn hear(&mut self) {
        while let Some(said) = self
            .context
            .components
            .get_mut()
            .as_mut()
            .and_then(|components| components.heard())
        {
            let component = match self.component(said.cid) {
                Some(mut component) => {
                    component.update(said.props, &mut self.context);
                    Some(component)
                }
                None => (said.mount)(said.props, &mut self.context),
            };
            if let Some(component) = component {
                self.put(said.cid, component);
                self.told.push_back(said.cid);
            }
        }
    }

    pub(super) fn component(&mut self, cid: Cid) -> Option<Box<dyn AnyComponent>> {
        self.context.components.get_mut().as_mut()?.take(cid)
    }

    pub(super) fn put(&mut self, cid: Cid, component: Box<dyn AnyComponent>) {
        if let Some(components) = self.context.components.get_mut() {
            components.put(cid, component);
        }
    }

    pub(super) fn component_page(&mut self, cid: Cid) -> Option<Rendered> {
        let component = self.component(cid)?;
        let page = component.render(cid, &self.context);
        if !page.is_root() {
            let component = component.name();
            tracing::error!(
                component,
                "a component's template is not a single element, so that its events find nobody: put one around it"
            );
        }
        self.put(cid, component);
        self.hear();
        Some(page)
    }

    /// Components that the client wants to remove. Those that are placed again stay; the others it has to be told in
    /// full if they are. In a row of a stream they may be placed again already: then it finds them on its page, and
    /// does not remove them.
    pub(crate) fn will_destroy(&mut self, cids: &[Cid]) {
        let Some(components) = self.context.components.get_mut() else {
            return;
        };
        let there = cids.iter().copied().filter(|cid| components.has(*cid));
        for cid in self.differ.unplaced(there.collect()) {
            self.differ.forget(cid);
            self.doomed.insert(cid);
        }
    }

    /// Components that the client has removed. Returns those whose state is gone: it keeps the others, which were
    /// placed again before it said so.
    pub(crate) fn destroyed(&mut self, cids: &[Cid]) -> BTreeSet<Cid> {
        let doomed = cids.iter().copied().filter(|cid| self.doomed.contains(cid));
        let gone = self.differ.unplaced(doomed.collect());
        for cid in &gone {
            self.differ.remove(*cid);
            self.doomed.remove(cid);
            if let Some(components) = self.context.components.get_mut() {
                components.remove(*cid);
            }
        }
        gone
    }
}
