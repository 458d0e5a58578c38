//! A template being split: texts that never change, and the code of the values between them.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The texts and values found so far. There is always one text more than values.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) statics: Vec<String>,
    /// For each value, a statement that writes it.
    pub(crate) values: Vec<TokenStream>,
    /// Whether it is one element and nothing else.
    pub(crate) root: bool,
    /// Whether it is a row of a stream, which the client must not take for an entry of a list with the same texts.
    pub(crate) stream: bool,
}

impl Template {
    pub(crate) fn new() -> Self {
        Self {
            statics: vec![String::new()],
            values: Vec::new(),
            root: false,
            stream: false,
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        if let Some(last) = self.statics.last_mut() {
            last.push_str(text);
        }
    }

    pub(crate) fn value(&mut self, code: TokenStream) {
        self.values.push(code);
        self.statics.push(String::new());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.statics.iter().all(String::is_empty)
    }

    /// An expression: a reference to the template's texts.
    pub(crate) fn reference(&self) -> TokenStream {
        let statics = &self.statics;
        let root = self.root;
        let fingerprint = fingerprint(statics, root, self.stream);
        quote! {{
            static TEMPLATE: ::roost_live::render::Template =
                ::roost_live::render::Template::new(&[#(#statics),*], #fingerprint, #root);
            &TEMPLATE
        }}
    }

    /// Statements that put the template into `sheet` as its next value.
    pub(crate) fn nested(&self, sheet: &Ident) -> TokenStream {
        if self.is_empty() {
            return quote!(#sheet.nothing(););
        }
        let reference = self.reference();
        let values = &self.values;
        quote! {
            #sheet.open(#reference);
            #(#values)*
        }
    }
}

/// A hash of the texts that is the same in every build: FNV-1a with 64 bits, texts ended by a byte that UTF-8 never
/// has.
/// <https://www.ietf.org/archive/id/draft-eastlake-fnv-35.html>
fn fingerprint(statics: &[String], root: bool, stream: bool) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    const END: u8 = 0xff;
    let ended = statics.iter().flat_map(|text| text.bytes().chain([END]));
    let bytes = ended.chain([u8::from(root) | u8::from(stream) << 1]);
    // The lowest bits are taken off later: fold the highest into them.
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    hash ^ (hash >> 32)
}
