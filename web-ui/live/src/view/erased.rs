//! Views and components without their types, so that the engine is compiled once.

use std::any::Any;
use std::sync::Arc;

use roost_runtime::Message;
use serde_json::Value;

use super::component::LiveComponent;
use super::context::Context;
use super::handle::Letter;
use super::inboxes::MessageType;
use super::live_view::{Container, LiveView};
use super::refusal::Refusal;
use crate::params::Params;
use crate::presence::Change;
use crate::render::{Cid, Rendered};
use crate::session::Session;

/// A view of some type.
pub(crate) trait AnyView: Send {
    fn handle_params(&mut self, params: &Params, context: &mut Context);
    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context);
    fn handle_letter(&mut self, letter: Letter, context: &mut Context);
    fn handle_published(&mut self, message: &Message, context: &mut Context);
    fn handle_progress(&mut self, upload: &str, entry: &str, context: &mut Context);
    fn render(&self, context: &Context) -> Rendered;
    /// The type of the messages that it takes.
    fn takes(&self) -> MessageType;
}

impl<V: LiveView> AnyView for V {
    fn handle_params(&mut self, params: &Params, context: &mut Context) {
        LiveView::handle_params(self, params, context);
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        LiveView::handle_event(self, event, value, context);
    }

    fn handle_letter(&mut self, letter: Letter, context: &mut Context) {
        let letter = match letter.downcast::<Arc<Change>>() {
            Ok(change) => return self.handle_presence(&change, context),
            Err(letter) => letter,
        };
        match letter.downcast::<V::Message>() {
            Ok(message) => self.handle_message(*message, context),
            Err(_) => tracing::error!(
                view = std::any::type_name::<V>(),
                "a handle of another message type was made for this view; its message is dropped"
            ),
        }
    }

    fn handle_published(&mut self, message: &Message, context: &mut Context) {
        LiveView::handle_published(self, message, context);
    }

    fn handle_progress(&mut self, upload: &str, entry: &str, context: &mut Context) {
        LiveView::handle_progress(self, upload, entry, context);
    }

    fn render(&self, context: &Context) -> Rendered {
        LiveView::render(self, context)
    }

    fn takes(&self) -> MessageType {
        MessageType::of::<V::Message>()
    }
}

type MountView = fn(&Params, &Session, &mut Context) -> Result<Box<dyn AnyView>, Refusal>;

/// A type of view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ViewKind {
    /// Its type's name, by which tokens name it.
    pub(crate) name: &'static str,
    pub(crate) container: fn() -> Container,
    pub(crate) mount: MountView,
}

impl ViewKind {
    pub(crate) fn of<V: LiveView>() -> Self {
        Self {
            name: std::any::type_name::<V>(),
            container: V::container,
            mount: |params, session, context| Ok(Box::new(V::mount(params, session, context)?)),
        }
    }
}

/// A component of some type.
pub(crate) trait AnyComponent: Send {
    fn update(&mut self, props: Box<dyn Any + Send>, context: &mut Context);
    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context);
    fn render(&self, cid: Cid, context: &Context) -> Rendered;
    /// Its type's name.
    fn name(&self) -> &'static str;
}

impl<C: LiveComponent> AnyComponent for C {
    fn update(&mut self, props: Box<dyn Any + Send>, context: &mut Context) {
        if let Ok(props) = props.downcast::<C::Props>() {
            LiveComponent::update(self, *props, context);
        }
    }

    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        LiveComponent::handle_event(self, event, value, context);
    }

    fn render(&self, cid: Cid, context: &Context) -> Rendered {
        LiveComponent::render(self, cid, context)
    }

    fn name(&self) -> &'static str {
        std::any::type_name::<C>()
    }
}

/// Makes a component of one type from its props.
pub(crate) type MountComponent = fn(Box<dyn Any + Send>, &mut Context) -> Option<Box<dyn AnyComponent>>;

pub(crate) fn mount_component<C: LiveComponent>(
    props: Box<dyn Any + Send>,
    context: &mut Context,
) -> Option<Box<dyn AnyComponent>> {
    let props = props.downcast::<C::Props>().ok()?;
    Some(Box::new(C::mount(*props, context)))
}
