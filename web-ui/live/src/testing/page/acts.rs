//! What a person does with a page: clicks, forms, links, waiting.

use serde_json::{Map, Value, json};

use super::super::document::Index;
use super::super::failure::Failure;
use super::super::form;
use super::{Going, MESSAGES, Page, address, part};

/// What a command of a binding asks of the server.
enum Step {
    Events(Vec<Value>),
    Patch(String),
    Navigate(String),
    /// It changes the browser only.
    Nothing,
}

impl Page {
    /// The values that an element's events carry.
    fn values(&self, index: Index) -> Map<String, Value> {
        let tag = self.document.tag(index);
        let all = tag.map(|tag| tag.attributes.as_slice()).unwrap_or_default();
        let own = |(name, value): &(String, String)| {
            let key = name
                .strip_prefix("phx-value-")
                .or_else(|| (name == "value").then_some("value"))?;
            Some((key.to_owned(), Value::from(value.clone())))
        };
        all.iter().filter_map(own).collect()
    }

    /// Does what stands in a binding: the name of an event, or a list of JS commands, of which those count here that
    /// reach the server. The rest changes the browser only.
    pub(super) async fn perform(
        &mut self,
        index: Index,
        binding: &str,
        kind: &str,
        extra: Map<String, Value>,
    ) -> Result<(), Failure> {
        let commands: Vec<(String, Value)> = if binding.starts_with('[') {
            serde_json::from_str(binding).map_err(|error| Failure::new(format!("{binding}: {error}")))?
        } else {
            vec![("push".to_owned(), json!({"event": binding}))]
        };
        // Looked at before the first of them changes the page.
        let steps: Vec<Step> = commands
            .into_iter()
            .map(|(command, about)| self.step(index, kind, &extra, (&command, &about)))
            .collect::<Result<_, _>>()?;
        for step in steps {
            match step {
                Step::Events(payloads) => {
                    for payload in payloads {
                        self.event(payload).await?;
                    }
                }
                Step::Patch(to) => Box::pin(self.patch(&to)).await?,
                Step::Navigate(to) => self.go(Going::Navigates { to, flash: None }).await?,
                Step::Nothing => {}
            }
        }
        Ok(())
    }

    /// What a command asks of the server.
    fn step(
        &self,
        index: Index,
        kind: &str,
        extra: &Map<String, Value>,
        (command, about): (&str, &Value),
    ) -> Result<Step, Failure> {
        let href = || part(about, "href").unwrap_or_default().to_owned();
        Ok(match command {
            "push" => {
                let mut value = self.values(index);
                value.extend(extra.clone());
                let own = about.get("value").and_then(Value::as_object);
                value.extend(own.cloned().unwrap_or_default());
                let payload = json!({"type": kind, "event": about["event"], "value": value});
                Step::Events(self.addressed(index, about, &payload)?)
            }
            "patch" => Step::Patch(href()),
            "navigate" => Step::Navigate(href()),
            _ => Step::Nothing,
        })
    }

    /// Clicks on the element: its `phx-click`, or where its link leads to.
    ///
    /// # Errors
    /// No such element or several, one that does nothing, a view that crashes.
    pub async fn click(&mut self, selector: &str) -> Result<(), Failure> {
        let index = self.one(selector)?;
        if let Some(binding) = self.attribute(index, "phx-click") {
            return self.perform(index, &binding, "click", Map::new()).await;
        }
        let href = self.attribute(index, "href");
        let href = href.ok_or_else(|| Failure::new(format!("{selector} has neither phx-click nor href")))?;
        match self.attribute(index, "data-phx-link").as_deref() {
            Some("patch") => self.patch(&href).await,
            Some(_) => {
                self.go(Going::Navigates {
                    to: href,
                    flash: None,
                })
                .await
            }
            None => self.go(Going::Loads { to: href }).await,
        }
    }

    /// Changes the address without leaving the view, as a patch link or the back button does.
    ///
    /// # Errors
    /// A view that crashes.
    pub async fn patch(&mut self, to: &str) -> Result<(), Failure> {
        let response = self.call("live_patch", json!({"url": address(to)})).await?;
        if response.get("link_redirect") == Some(&Value::Bool(true)) {
            let (to, flash) = (to.to_owned(), None);
            return self.go(Going::Navigates { to, flash }).await;
        }
        to.clone_into(&mut self.address);
        Ok(())
    }

    /// Changes fields of a form and lets its `phx-change` know. The last field is the target.
    ///
    /// # Errors
    /// As [`click`](Self::click); a field that the form does not have.
    pub async fn change(&mut self, selector: &str, changes: &[(&str, &str)]) -> Result<(), Failure> {
        let form = self.one(selector)?;
        let target = changes.last().map_or("undefined", |(name, _)| name);
        let value = form::encoded(&form::fields(&self.document, form, changes)?);
        self.send_form(form, "phx-change", value, json!({"_target": target}))
            .await
    }

    /// Fills fields of a form and submits it: its `phx-submit`.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    pub async fn submit(&mut self, selector: &str, changes: &[(&str, &str)]) -> Result<(), Failure> {
        let form = self.one(selector)?;
        let mut fields = form::fields(&self.document, form, changes)?;
        fields.extend(form::submitter(&self.document, form));
        self.send_form(form, "phx-submit", form::encoded(&fields), json!({}))
            .await
    }

    async fn send_form(
        &mut self,
        form: Index,
        binding: &str,
        value: String,
        meta: Value,
    ) -> Result<(), Failure> {
        let event = self.attribute(form, binding);
        let event = event.ok_or_else(|| Failure::new(format!("the form has no {binding}")))?;
        let payload = json!({"type": "form", "event": event, "value": value, "meta": meta, "uploads": {}});
        for payload in self.addressed(form, &Value::Null, &payload)? {
            self.event(payload).await?;
        }
        Ok(())
    }

    /// Takes what the view has sent by itself so far.
    ///
    /// # Errors
    /// A view that has crashed.
    pub async fn hear(&mut self) -> Result<(), Failure> {
        for frame in self.wire.heard().await? {
            let going = self.take(&frame).await?;
            if !matches!(going, Going::Stays) {
                return self.go(going).await;
            }
        }
        Ok(())
    }

    /// Takes what the view sends until the element shows the text.
    ///
    /// # Errors
    /// It never does; a view that has crashed.
    pub async fn until(&mut self, selector: &str, text: &str) -> Result<(), Failure> {
        for _ in 0..MESSAGES {
            if self.has(selector, text)? {
                return Ok(());
            }
            let frame = self.wire.next().await;
            let frame =
                frame.map_err(|error| Failure::new(format!("{selector} never says {text:?}: {error}")))?;
            let going = self.take(&frame).await?;
            self.go(going).await?;
        }
        Err(Failure::new(format!("{selector} never says {text:?}")))
    }
}
