//! Function components: pieces of markup with fields, used in templates as if they were elements.

use super::Rendered;

/// A piece of markup with fields. It has no state and no events of its own; a live component has.
///
/// ```
/// use roost_live::{Component, Rendered, html};
///
/// struct Card<'a> {
///     title: &'a str,
///     children: Rendered,
/// }
///
/// impl Component for Card<'_> {
///     fn render(self) -> Rendered {
///         html! { <section><h2>{self.title}</h2>{self.children}</section> }
///     }
/// }
///
/// let page = html! { <main><Card title="Pump">"running"</Card></main> };
/// assert_eq!(page.to_html(), "<main><section><h2>Pump</h2>running</section></main>");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no component",
    note = "a component is a struct that implements `roost_live::Component`; a live component is placed by its `Cid`"
)]
pub trait Component {
    /// The markup.
    fn render(self) -> Rendered;
}
