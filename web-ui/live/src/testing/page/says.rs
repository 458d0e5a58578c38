//! What reaches a view and is no person's doing: messages of the program, events of hooks.

use serde_json::{Value, json};

use super::super::failure::Failure;
use super::Page;
use crate::view::MessageType;

impl Page {
    /// Sends the view a message, as the holder of its [`Handle`](crate::Handle) does, and takes what it changes.
    ///
    /// # Errors
    /// The view takes messages of another type; it has ended, or crashes at it.
    pub async fn send<M: Send + 'static>(&mut self, message: M) -> Result<(), Failure> {
        let letter = (MessageType::of::<M>(), Box::new(message) as _);
        self.wire.inboxes().send(&self.topic, letter)?;
        // What is answered after it shows what it has changed. No view has a flash of this kind.
        let nothing = json!({"type": "click", "event": "lv:clear-flash", "value": {"key": "\u{0}"}});
        self.event(nothing).await.map(drop)
    }

    /// Sends an event as a hook's `pushEvent` does: the view's reply, null if it gives none.
    ///
    /// # Errors
    /// A view that crashes.
    pub async fn hook(&mut self, event: &str, payload: Value) -> Result<Value, Failure> {
        let said = json!({"type": "hook", "event": event, "value": payload});
        let response = self.event(said).await?;
        Ok(response["diff"]["r"].clone())
    }

    /// Sends an event as a hook's `pushEventTo` does: to the component that `target` means, its number or a selector of
    /// one element in it. Its reply, null if it gives none.
    ///
    /// # Errors
    /// As [`hook`](Self::hook); a target that is no one or several.
    pub async fn hook_to(&mut self, target: &str, event: &str, payload: Value) -> Result<Value, Failure> {
        let targets = self.targets(target)?;
        let [cid] = targets.as_slice() else {
            let several = format!("the target {target:?} means {} elements", targets.len());
            return Err(Failure::new(several));
        };
        let mut said = json!({"type": "hook", "event": event, "value": payload});
        if let Some(cid) = cid {
            said["cid"] = (*cid).into();
        }
        let response = self.event(said).await?;
        Ok(response["diff"]["r"].clone())
    }
}
