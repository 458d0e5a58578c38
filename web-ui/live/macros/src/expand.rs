//! From markup to code: the way through `html!`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use rstml::node::{Node, NodeBlock};
use rstml::{Parser, ParserConfig};
use syn::spanned::Spanned;
use syn::{Block, Expr, Stmt};

use crate::control::{Branch, Control, Kind, Loop, Nodes, Otherwise};
use crate::template::Template;
use crate::{attribute, element, names, text};

/// The code of a piece of markup, or what is wrong with it: every mistake, not the first only.
pub(crate) fn expand(markup: TokenStream) -> syn::Result<TokenStream> {
    let config = ParserConfig::new()
        .always_self_closed_elements(names::void())
        .raw_text_elements(names::RAW.into())
        .custom_node::<Control>();
    let (nodes, problems) = Parser::new(config).parse_recoverable(markup).split_vec();
    let mut expansion = Expansion::new();
    for problem in problems {
        expansion.refuse(problem.into());
    }
    let code = expansion.rendered(&nodes);
    expansion.finish()?;
    Ok(code)
}

/// What is found on the way.
pub(crate) struct Expansion {
    /// The variable that values are written into; a caller's variable of the same name is another one.
    pub(crate) sheet: Ident,
    problem: Option<syn::Error>,
}

impl Expansion {
    fn new() -> Self {
        Self {
            sheet: Ident::new("sheet", Span::mixed_site()),
            problem: None,
        }
    }

    pub(crate) fn refuse(&mut self, problem: syn::Error) {
        match &mut self.problem {
            Some(problems) => problems.combine(problem),
            None => self.problem = Some(problem),
        }
    }

    fn finish(self) -> syn::Result<()> {
        self.problem.map_or(Ok(()), Err)
    }

    /// An expression: all these nodes, rendered.
    pub(crate) fn rendered(&mut self, nodes: &Nodes) -> TokenStream {
        let template = self.template(nodes);
        let sheet = &self.sheet;
        let reference = template.reference();
        let values = &template.values;
        let binding = if values.is_empty() { quote!() } else { quote!(mut) };
        quote! {{
            let #binding #sheet = ::roost_live::render::Sheet::new(#reference);
            #(#values)*
            #sheet.finish()
        }}
    }

    /// A template of its own, of all these nodes.
    pub(crate) fn template(&mut self, nodes: &Nodes) -> Template {
        let mut template = Template::new();
        template.root = is_root(nodes);
        self.nodes(nodes, &mut template);
        template
    }

    /// Adds nodes to a template, with the blanks between them.
    pub(crate) fn nodes(&mut self, nodes: &Nodes, template: &mut Template) {
        let mut before = None;
        for node in nodes {
            let extent = text::extent(node);
            if text::is_spaced(before, extent) {
                template.text(" ");
            }
            before = extent.or(before);
            self.node(node, template);
        }
    }

    fn node(&mut self, node: &Node<Control>, template: &mut Template) {
        match node {
            Node::Element(element) => element::element(self, element, template),
            Node::Text(text) => template.text(&text::escaped(&text.value_string())),
            Node::RawText(raw) => template.text(&text::unquoted(quote!(#raw))),
            Node::Fragment(fragment) => self.nodes(&fragment.children, template),
            Node::Doctype(doctype) => {
                let kind = text::unquoted({
                    let value = &doctype.value;
                    quote!(#value)
                });
                template.text(&format!("<!DOCTYPE {kind}>"));
            }
            Node::Comment(_) => {}
            Node::Block(block) => {
                let sheet = &self.sheet;
                match expression(block) {
                    Some(Value::Empty) => {}
                    Some(Value::Expression(expression)) => {
                        template.value(quote!(#sheet.content(&(#expression));));
                    }
                    Some(Value::Block(block)) => template.value(quote!(#sheet.content(&#block);)),
                    None => {}
                }
            }
            Node::Custom(control) => {
                let code = self.control(control);
                template.value(code);
            }
        }
    }

    fn control(&mut self, control: &Control) -> TokenStream {
        match &control.kind {
            Kind::If(branch) => self.branch(branch),
            Kind::Match { on, arms } => {
                let arms = arms.iter().map(|arm| {
                    let pattern = &arm.pattern;
                    let guard = arm.guard.as_ref().map(|guard| quote!(if #guard));
                    let body = self.template(&arm.body).nested(&self.sheet);
                    quote!(#pattern #guard => { #body })
                });
                let arms: Vec<TokenStream> = arms.collect();
                quote!(match #on { #(#arms)* })
            }
            Kind::For(list) => self.list(list),
            Kind::Stream(list) => self.stream(list),
        }
    }

    fn branch(&mut self, branch: &Branch) -> TokenStream {
        let condition = &branch.condition;
        let then = self.template(&branch.then).nested(&self.sheet);
        let otherwise = match &branch.otherwise {
            Some(Otherwise::If(branch)) => self.branch(branch),
            Some(Otherwise::Else(nodes)) => {
                let body = self.template(nodes).nested(&self.sheet);
                quote!({ #body })
            }
            None => {
                let sheet = &self.sheet;
                quote!({ #sheet.nothing(); })
            }
        };
        quote!(if #condition { #then } else #otherwise)
    }

    fn list(&mut self, list: &Loop) -> TokenStream {
        let mut template = self.template(&list.body);
        // The entries of a list are no values of their own: the client knows no roots among them.
        template.root = false;
        let sheet = &self.sheet;
        let variable = Ident::new("list", Span::mixed_site());
        let (reference, values) = (template.reference(), &template.values);
        let Loop { pattern, items, .. } = list;
        let entry = match &list.key {
            Some(key) => quote!(#sheet.entry(&mut #variable, &(#key));),
            None => quote!(#sheet.entry_in_order(&mut #variable);),
        };
        quote! {
            let mut #variable = #sheet.list(#reference);
            for #pattern in #items {
                #entry
                #(#values)*
            }
            #sheet.end(&#variable);
        }
    }

    fn stream(&mut self, list: &Loop) -> TokenStream {
        let mut template = self.template(&list.body);
        let row = list.body.iter().find_map(|node| match node {
            Node::Element(row) => Some(row),
            _ => None,
        });
        if !(template.root && row.is_some_and(|row| attribute::has(row, "id"))) {
            self.refuse(syn::Error::new(
                list.pattern.span(),
                "a row of a stream is one element with an `id`, the one that it was inserted with",
            ));
        }
        template.root = false;
        template.stream = true;
        if let Some(key) = &list.key {
            self.refuse(syn::Error::new(
                key.span(),
                "the rows of a stream are known by their `id`",
            ));
        }
        let sheet = &self.sheet;
        let (variable, batch) = (
            Ident::new("list", Span::mixed_site()),
            Ident::new("batch", Span::mixed_site()),
        );
        let (reference, values) = (template.reference(), &template.values);
        let Loop { pattern, items, .. } = list;
        quote! {
            let #batch = ::roost_live::render::Stream::take(#items);
            let mut #variable = #sheet.stream(#reference, &#batch);
            for #pattern in #batch.rows() {
                #sheet.entry_in_order(&mut #variable);
                #(#values)*
            }
            #sheet.end(&#variable);
        }
    }
}

/// What stands in a pair of braces.
pub(crate) enum Value<'a> {
    Empty,
    /// One expression, taken by reference where it is: `{self.name}` moves nothing.
    Expression(&'a Expr),
    Block(&'a Block),
}

/// Nothing if the braces hold no Rust; the parser has said so.
pub(crate) fn expression(block: &NodeBlock) -> Option<Value<'_>> {
    block.try_block().map(value)
}

pub(crate) fn value(block: &Block) -> Value<'_> {
    match block.stmts.as_slice() {
        [] => Value::Empty,
        [Stmt::Expr(expression, None)] => Value::Expression(expression),
        _ => Value::Block(block),
    }
}

/// Whether there is exactly one element and nothing else that could show.
fn is_root(nodes: &Nodes) -> bool {
    let mut shown = nodes.iter().filter(|node| !matches!(node, Node::Comment(_)));
    let first = shown.next();
    let element = matches!(first, Some(Node::Element(element)) if element::is_html(element));
    element && shown.next().is_none()
}
