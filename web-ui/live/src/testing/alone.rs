//! A component without a page around it.

use std::cell::RefCell;
use std::sync::Mutex;

use super::document::Document;
use super::failure::Failure;
use super::loaded::Loaded;
use crate::html;
use crate::lock;
use crate::params::Params;
use crate::render::Rendered;
use crate::session::Session;
use crate::site::Site;
use crate::view::{Context, LiveComponent, LiveView, Opening, Refusal, Running, ViewKind};

/// What a component shows first when a template says `props` to it, with the components within it; as in a page load,
/// so `Context::is_connected` is false. `site` is for what it asks its context for.
///
/// # Errors
/// HTML that is not well-formed.
pub fn component<C: LiveComponent>(site: &Site, props: C::Props) -> Result<Loaded, Failure> {
    let session = Session::begin().map_err(|error| Failure::new(error.to_string()))?;
    let mut context = Context::new(site.clone(), "alone", "", None);
    context.assign(Mutex::new(Some(props)));
    let opening = Opening {
        kind: ViewKind::of::<Alone<C>>(),
        group: usize::MAX,
        routed: false,
        depth: 0,
        params: Params::default(),
        session: &session,
    };
    let opened = Running::open(opening, context);
    let (mut running, _) = opened.map_err(|halt| Failure::new(format!("{halt:?}")))?;
    let html = running.html();
    let document = Document::parse(&html).map_err(|error| Failure::new(format!("{html}: {error}")))?;
    Ok(Loaded {
        path: String::new(),
        document,
    })
}

/// A view that shows a component and nothing else, once.
struct Alone<C: LiveComponent>(RefCell<Option<C::Props>>);

impl<C: LiveComponent> LiveView for Alone<C> {
    type Message = ();

    fn mount(_: &Params, _: &Session, context: &mut Context) -> Result<Self, Refusal> {
        let given = context.assigned::<Mutex<Option<C::Props>>>();
        Ok(Self(RefCell::new(given.and_then(|props| lock(props).take()))))
    }

    fn render(&self, context: &Context) -> Rendered {
        let props = self.0.borrow_mut().take();
        html! { {props.map(|props| context.component::<C>("alone", props))} }
    }
}
