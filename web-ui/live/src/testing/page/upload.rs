//! A file that a person sends: announced, allowed, sent in chunks.

use serde_json::{Value, json};

use super::super::document::Index;
use super::super::failure::Failure;
use super::super::frame::Frame;
use super::{Going, Page, part};

impl Page {
    /// Chooses a file for the file input and sends all of it; what the form does with it is up to
    /// [`submit`](Self::submit).
    ///
    /// # Errors
    /// No such input, a file that the view refuses, a view that crashes; a file without a byte, which the stock client
    /// (1.2.12) takes for none.
    pub async fn upload(&mut self, input: &str, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Err(Failure::new(format!(
                "{name} has no byte: the browser's client says nothing of such a file"
            )));
        }
        let index = self.one(input)?;
        let upload = self.attribute(index, "data-phx-upload-ref");
        let upload = upload.ok_or_else(|| Failure::new(format!("{input} is no input of uploads")))?;
        let form = self
            .form_of(index)
            .ok_or_else(|| Failure::new(format!("{input} is in no form")))?;
        let entry = self.next_entry(index);
        let about = json!({"ref": entry, "name": name, "size": bytes.len(), "relative_path": "",
            "type": "application/octet-stream", "last_modified": 0});
        if let Some(event) = self.attribute(form, "phx-change") {
            let field = self.attribute(index, "name").unwrap_or_default();
            let uploads = json!({ upload.as_str(): [about.clone()] });
            let meta = json!({"_target": field});
            self.event(
                json!({"type": "form", "event": event, "value": "", "meta": meta, "uploads": uploads}),
            )
            .await?;
        }
        let allowed = self
            .call("allow_upload", json!({"ref": upload, "entries": [about]}))
            .await?;
        let token = allowed["entries"].get(&entry).filter(|token| token.is_string());
        let token = token
            .ok_or_else(|| Failure::new(format!("{name} is refused: {allowed}")))?
            .clone();
        let chunk = allowed["config"]["chunk_size"]
            .as_u64()
            .and_then(|size| usize::try_from(size).ok());
        let chunk = chunk.filter(|size| *size > 0).unwrap_or(64_000);
        self.send_file(
            &format!("lvu:{entry}"),
            &token,
            bytes,
            chunk,
            &json!({"ref": upload, "entry_ref": entry}),
        )
        .await
    }

    /// A number that no entry of this input has.
    fn next_entry(&self, input: Index) -> String {
        let active = self.attribute(input, "data-phx-active-refs").unwrap_or_default();
        let highest = active.split(',').filter_map(|one| one.parse::<u64>().ok()).max();
        highest.map_or(0, |highest| highest + 1).to_string()
    }

    async fn send_file(
        &mut self,
        topic: &str,
        token: &Value,
        bytes: &[u8],
        chunk: usize,
        of: &Value,
    ) -> Result<(), Failure> {
        let join = self
            .wire
            .tell(&Value::Null, topic, "phx_join", &json!({"token": token}))
            .await?;
        self.granted(&join).await?;
        let mut sent = 0;
        for piece in bytes.chunks(chunk) {
            let reference = self.wire.tell_bytes(&join, topic, "chunk", piece).await?;
            self.granted(&reference).await?;
            sent += piece.len();
            let mut progress = of.clone();
            progress["event"] = Value::Null;
            progress["progress"] = (sent * 100 / bytes.len()).into();
            self.call("progress", progress).await?;
        }
        Ok(())
    }

    /// Waits for the reply and takes what the view says meanwhile.
    async fn granted(&mut self, reference: &Value) -> Result<(), Failure> {
        let (before, reply): (Vec<Frame>, Frame) = self.wire.reply(reference).await?;
        for frame in before {
            let going = self.take(&frame).await?;
            if !matches!(going, Going::Stays) {
                return Err(Failure::new("the view leaves during an upload"));
            }
        }
        match part(&reply.payload, "status") {
            Some("ok") => Ok(()),
            _ => Err(Failure::new(format!(
                "the upload is refused: {}",
                reply.payload["response"]
            ))),
        }
    }

    fn form_of(&self, index: Index) -> Option<Index> {
        let mut at = index;
        while let Some(parent) = self.document.node(at).parent {
            if self.document.tag(parent).is_some_and(|tag| tag.name == "form") {
                return Some(parent);
            }
            at = parent;
        }
        None
    }
}
