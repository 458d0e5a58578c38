//! What the log is told of a program's mistakes.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::pages::{Halved, Parts, pages};
use super::{Visit, event};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What this thread logs meanwhile.
fn logged(doing: impl FnOnce()) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, doing);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_component_that_is_not_a_single_element_is_named_with_what_to_do() {
    let visit = Visit::of(pages(), std::any::type_name::<Halved>());
    let mut halved = None;
    let log = logged(|| halved = Some(visit.join("/halved").0));
    assert!(
        log.contains("ERROR") && log.contains("Halves") && log.contains("put one around it"),
        "{log}"
    );
    let mut halved = halved.unwrap();
    let log = logged(|| drop(event(&mut halved, "click", "mend", json!({}))));
    assert_eq!(log, "");
}

#[test]
fn a_component_that_is_placed_twice_is_named_and_one_that_was_told_something_before_is_not() {
    let visit = Visit::of(pages(), std::any::type_name::<Parts>());
    let mut parts = visit.join("/parts").0;
    let log = logged(|| drop(event(&mut parts, "click", "tell", json!({}))));
    assert_eq!(log, "");
    let log = logged(|| drop(event(&mut parts, "click", "show", json!(["one", "one"]))));
    assert!(
        log.contains("two components of one view have the same id"),
        "{log}"
    );
    let log = logged(|| drop(event(&mut parts, "click", "show", json!(["one"]))));
    assert_eq!(log, "");
}
