//! Whom an event is for: the view, or a component that `phx-target` names.

use serde_json::Value;

use super::super::document::Index;
use super::super::failure::Failure;
use super::Page;

impl Page {
    /// An event of an element, once for each whom it is for: as `phx-target` says, or the command's own `target`.
    pub(super) fn addressed(
        &self,
        index: Index,
        command: &Value,
        payload: &Value,
    ) -> Result<Vec<Value>, Failure> {
        let said = match command.get("target") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(number) => Some(number.to_string()),
            None => self.attribute(index, "phx-target"),
        };
        let targets = match said {
            Some(said) => self.targets(&said)?,
            None => vec![None],
        };
        let to = |cid: Option<u64>| {
            let mut payload = payload.clone();
            if let Some(cid) = cid {
                payload["cid"] = cid.into();
            }
            payload
        };
        Ok(targets.into_iter().map(to).collect())
    }

    /// Whom a target means: a component by its number, or whatever each element that a selector finds is part of.
    pub(super) fn targets(&self, said: &str) -> Result<Vec<Option<u64>>, Failure> {
        let wrong = |why: &str| Failure::new(format!("the target {said:?} {why} in {}", self.html()));
        if let Ok(cid) = said.parse::<u64>() {
            let standing = self.all(&format!("[data-phx-component=\"{cid}\"]"))?;
            return if standing.is_empty() {
                Err(wrong("is no component"))
            } else {
                Ok(vec![Some(cid)])
            };
        }
        let found = self.all(said)?;
        if found.is_empty() {
            return Err(wrong("finds nothing"));
        }
        let part_of = |index: Index| {
            self.part_of(index)
                .map_err(|view| wrong(&format!("is of the view {view} (open it with `nested`)")))
        };
        found.into_iter().map(part_of).collect()
    }

    /// The component that an element is part of; none if it is the view's own, an error if it is another view's.
    fn part_of(&self, index: Index) -> Result<Option<u64>, String> {
        let mut at = Some(index);
        while let Some(element) = at {
            if self.attribute(element, "data-phx-session").is_some() {
                return Err(self.attribute(element, "id").unwrap_or_default());
            }
            if let Some(cid) = self.attribute(element, "data-phx-component") {
                return Ok(cid.parse().ok());
            }
            at = self.document.node(element).parent;
        }
        Ok(None)
    }
}
