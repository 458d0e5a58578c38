//! Components: parts of a view with a state and events of their own.

use serde_json::Value;

use super::context::Context;
use crate::render::{Cid, Rendered};

/// A part of a view with a state and events of its own. It lives in the view's task. Its template has exactly one
/// root
/// element.
pub trait LiveComponent: Sized + Send + 'static {
    /// What the view's template says to it.
    type Props: Send + 'static;

    /// Makes the state, when the view's template places the component for the first time.
    fn mount(props: Self::Props, context: &mut Context) -> Self;

    /// Takes what the view's template says this time.
    fn update(&mut self, props: Self::Props, context: &mut Context);

    /// An event of an element with `phx-target={cid}`.
    fn handle_event(&mut self, event: &str, value: &Value, context: &mut Context) {
        let _ = (value, context);
        tracing::debug!(
            component = std::any::type_name::<Self>(),
            event,
            "the component has no answer to an event"
        );
    }

    /// What it shows now.
    fn render(&self, cid: Cid, context: &Context) -> Rendered;
}
