//! What a person does with the keyboard: keys that go down and up, in an element or anywhere, and the focus.

use serde_json::{Map, Value};

use super::super::document::Index;
use super::super::failure::Failure;
use super::Page;

impl Page {
    /// Presses a key while the element has the focus: its `phx-keydown`, or what `press_anywhere` does if it has none.
    /// A binding with `phx-key` is for that key only.
    ///
    /// # Errors
    /// As [`click`](Self::click).
    pub async fn press(&mut self, selector: &str, key: &str) -> Result<(), Failure> {
        self.key_in(selector, "keydown", key).await
    }

    /// Lets a key go while the element has the focus: its `phx-keyup`, or what `release_anywhere` does if it has none.
    ///
    /// # Errors
    /// As [`click`](Self::click).
    pub async fn release(&mut self, selector: &str, key: &str) -> Result<(), Failure> {
        self.key_in(selector, "keyup", key).await
    }

    /// Presses a key anywhere on the page: every `phx-window-keydown`.
    ///
    /// # Errors
    /// Nothing listens; as [`click`](Self::click).
    pub async fn press_anywhere(&mut self, key: &str) -> Result<(), Failure> {
        self.key_anywhere("keydown", key).await
    }

    /// Lets a key go anywhere on the page: every `phx-window-keyup`.
    ///
    /// # Errors
    /// As [`press_anywhere`](Self::press_anywhere).
    pub async fn release_anywhere(&mut self, key: &str) -> Result<(), Failure> {
        self.key_anywhere("keyup", key).await
    }

    /// The element gets the focus: its `phx-focus`.
    ///
    /// # Errors
    /// As [`click`](Self::click).
    pub async fn focus(&mut self, selector: &str) -> Result<(), Failure> {
        self.turn(selector, "focus").await
    }

    /// The element loses the focus: its `phx-blur`.
    ///
    /// # Errors
    /// As [`click`](Self::click).
    pub async fn blur(&mut self, selector: &str) -> Result<(), Failure> {
        self.turn(selector, "blur").await
    }

    async fn turn(&mut self, selector: &str, kind: &str) -> Result<(), Failure> {
        let index = self.one(selector)?;
        let binding = self.attribute(index, &format!("phx-{kind}"));
        let binding = binding.ok_or_else(|| Failure::new(format!("{selector} has no phx-{kind}")))?;
        self.perform(index, &binding, kind, Map::new()).await
    }

    async fn key_in(&mut self, selector: &str, kind: &str, key: &str) -> Result<(), Failure> {
        let index = self.one(selector)?;
        match self.attribute(index, &format!("phx-{kind}")) {
            Some(binding) => self.key(index, &binding, kind, key).await,
            None => {
                let anywhere = self.key_anywhere(kind, key).await;
                anywhere.map_err(|error| Failure::new(format!("{selector} has no phx-{kind}, and {error}")))
            }
        }
    }

    async fn key_anywhere(&mut self, kind: &str, key: &str) -> Result<(), Failure> {
        let name = format!("phx-window-{kind}");
        let count = self.count(&format!("[{name}]"))?;
        if count == 0 {
            return Err(Failure::new(format!("nothing has {name}")));
        }
        for number in 0..count {
            // Found anew: each may have changed the page.
            let Some(index) = self.all(&format!("[{name}]"))?.get(number).copied() else {
                break;
            };
            let binding = self.attribute(index, &name).unwrap_or_default();
            self.key(index, &binding, kind, key).await?;
        }
        Ok(())
    }

    async fn key(&mut self, index: Index, binding: &str, kind: &str, key: &str) -> Result<(), Failure> {
        let wanted = self.attribute(index, "phx-key");
        if wanted.is_some_and(|wanted| wanted.to_lowercase() != key.to_lowercase()) {
            return Ok(());
        }
        let extra = Map::from_iter([("key".to_owned(), Value::from(key))]);
        self.perform(index, binding, kind, extra).await
    }
}
