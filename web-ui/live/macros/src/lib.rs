//! The `html!` macro: templates checked and split at compile time.

use proc_macro::TokenStream;

mod attribute;
mod component;
mod control;
mod element;
mod expand;
mod names;
mod template;
mod text;

#[cfg(test)]
mod tests;

/// Markup with values, split at compile time into the texts that never change and the values between them. Evaluates to
/// a `roost_live::Rendered`.
///
/// # Text
/// `"text in quotes"` is text: `<` and `&` in it are escaped. Text without quotes is HTML as it stands (`&nbsp;`
/// works);
/// it is made of Rust's tokens, so an apostrophe has to be in quotes. Space on one line is kept as one blank; a line
/// break with the indentation around it is dropped.
///
/// # Values
/// `{expression}` shows a value that implements `Content`, escaped; `Raw(html)` is the only way past that. A `Rendered`
/// is put in as a nested template.
///
/// `name={expression}` is an attribute whose value implements `Attribute`; `false` and `None` leave it out, `true`
/// gives
/// it no value. `name="row-{id}"` puts values into a text; `{{` stands for a brace.
///
/// # Branches and lists
/// ```text
/// {if on { <b>"on"</b> } else if faulty { <i>"faulty"</i> } else { "off" }}
/// {if let Some(name) = &self.name { <p>{name}</p> }}
/// {match state { State::On => { <b>"on"</b> } State::Off => { "off" } }}
/// {for row in &self.rows; key = row.id { <li id="row-{row.id}">{&row.name}</li> }}
/// ```
/// The bodies are markup, not Rust: a value in them stands in braces of its own. A list's `key` says which entry is
/// which when they move; without it, an entry is known by its place.
///
/// `{stream (id, row) in &self.rows { <tr id={id}>…</tr> }}` is a `roost_live::Stream`: a list whose rows the
/// browser keeps.
///
/// # Components
/// `<Card title="x" wide={true}>…</Card>` is the struct `Card { title: "x", wide: true, children: … }`, which
/// implements
/// `Component`. `{..}` among the attributes takes the other fields from `Default`. `<slot:footer>…</slot:footer>` is a
/// field `footer`; `<slot:row with(item)>…</slot:row>` is a closure that renders an item. A function that returns a
/// `Rendered` is called as any other: `{card("x")}`.
///
/// # Checked
/// Tags are balanced; elements without content (`<br>`, `<input …>`) have no end tag; no attribute stands twice; every
/// `phx-` attribute is one that the client knows; `<script>` and `<style>` hold no values.
#[proc_macro]
pub fn html(input: TokenStream) -> TokenStream {
    expand::expand(input.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
