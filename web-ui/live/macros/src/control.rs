//! Branches and lists in markup: `{if …}`, `{match …}`, `{for …}`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use rstml::node::{CustomNode, Node};
use rstml::recoverable::{ParseRecoverable, RecoverableContext};
use syn::parse::ParseStream;
use syn::{Expr, Pat, Token, braced, token};

/// The nodes of a piece of markup.
pub(crate) type Nodes = Vec<Node<Control>>;

/// A branch or a list in its braces, with markup in its bodies.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    brace: token::Brace,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    If(Branch),
    Match { on: Expr, arms: Vec<Arm> },
    For(Box<Loop>),
    Stream(Box<Loop>),
}

#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) condition: Expr,
    pub(crate) then: Nodes,
    pub(crate) otherwise: Option<Otherwise>,
}

#[derive(Debug, Clone)]
pub(crate) enum Otherwise {
    If(Box<Branch>),
    Else(Nodes),
}

#[derive(Debug, Clone)]
pub(crate) struct Arm {
    pub(crate) pattern: Pat,
    pub(crate) guard: Option<Expr>,
    pub(crate) body: Nodes,
}

#[derive(Debug, Clone)]
pub(crate) struct Loop {
    pub(crate) pattern: Pat,
    pub(crate) items: Expr,
    pub(crate) key: Option<Expr>,
    pub(crate) body: Nodes,
}

syn::custom_keyword!(key);
syn::custom_keyword!(stream);

impl CustomNode for Control {
    fn peek_element(input: ParseStream<'_>) -> bool {
        fn keyword(input: ParseStream<'_>) -> syn::Result<bool> {
            let content;
            braced!(content in input);
            let found = content.peek(Token![if])
                || content.peek(Token![match])
                || content.peek(Token![for])
                || is_stream(&content.fork());
            content.parse::<TokenStream>()?;
            Ok(found)
        }
        input.peek(token::Brace) && keyword(&input.fork()).unwrap_or(false)
    }
}

impl ParseRecoverable for Control {
    fn parse_recoverable(parser: &mut RecoverableContext, input: ParseStream<'_>) -> Option<Self> {
        parser.parse_mixed_fn(input, |parser, input| {
            let (brace, kind) = inside(input, |content| kind(parser, content))?;
            Ok(Self { brace, kind })
        })
    }
}

fn kind(parser: &mut RecoverableContext, input: ParseStream<'_>) -> syn::Result<Kind> {
    let kind = if input.peek(Token![if]) {
        Kind::If(branch(parser, input)?)
    } else if input.peek(Token![match]) {
        matching(parser, input)?
    } else if input.peek(stream) {
        input.parse::<stream>()?;
        Kind::Stream(Box::new(list(parser, input)?))
    } else {
        input.parse::<Token![for]>()?;
        Kind::For(Box::new(list(parser, input)?))
    };
    if input.is_empty() {
        Ok(kind)
    } else {
        Err(input.error("nothing may follow here: one branch or list in a pair of braces"))
    }
}

/// Reads what stands in braces, to the end also where it is wrong: tokens left over would be reported in its place.
fn inside<T>(
    input: ParseStream<'_>,
    read: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<(token::Brace, T)> {
    let content;
    let brace = braced!(content in input);
    let result = read(&content);
    content.parse::<TokenStream>()?;
    Ok((brace, result?))
}

/// `stream` is a word of its own only where a pattern and `in` follow.
fn is_stream(input: ParseStream<'_>) -> bool {
    input.parse::<stream>().is_ok()
        && Pat::parse_multi_with_leading_vert(input).is_ok()
        && input.parse::<Token![in]>().is_ok()
}

/// The braces alone, for their place in the source: `html!` reads the parts.
impl ToTokens for Control {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.brace.surround(tokens, |_| ());
    }
}

fn branch(parser: &mut RecoverableContext, input: ParseStream<'_>) -> syn::Result<Branch> {
    input.parse::<Token![if]>()?;
    let condition = input.call(Expr::parse_without_eager_brace)?;
    let then = body(parser, input)?;
    let otherwise = if input.parse::<Option<Token![else]>>()?.is_none() {
        None
    } else if input.peek(Token![if]) {
        Some(Otherwise::If(Box::new(branch(parser, input)?)))
    } else {
        Some(Otherwise::Else(body(parser, input)?))
    };
    Ok(Branch {
        condition,
        then,
        otherwise,
    })
}

fn matching(parser: &mut RecoverableContext, input: ParseStream<'_>) -> syn::Result<Kind> {
    input.parse::<Token![match]>()?;
    let on = input.call(Expr::parse_without_eager_brace)?;
    let (_, arms) = inside(input, |content| {
        let mut arms = Vec::new();
        while !content.is_empty() {
            arms.push(arm(parser, content)?);
        }
        Ok(arms)
    })?;
    Ok(Kind::Match { on, arms })
}

fn arm(parser: &mut RecoverableContext, input: ParseStream<'_>) -> syn::Result<Arm> {
    let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
    let guard = match input.parse::<Option<Token![if]>>()? {
        Some(_) => Some(input.parse()?),
        None => None,
    };
    input.parse::<Token![=>]>()?;
    if !input.peek(token::Brace) {
        return Err(input.error("an arm's markup stands in braces: `pattern => { … }`"));
    }
    let body = body(parser, input)?;
    input.parse::<Option<Token![,]>>()?;
    Ok(Arm { pattern, guard, body })
}

fn list(parser: &mut RecoverableContext, input: ParseStream<'_>) -> syn::Result<Loop> {
    let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
    input.parse::<Token![in]>()?;
    let items = input.call(Expr::parse_without_eager_brace)?;
    let key = if input.parse::<Option<Token![;]>>()?.is_some() {
        input.parse::<key>()?;
        input.parse::<Token![=]>()?;
        Some(input.call(Expr::parse_without_eager_brace)?)
    } else {
        None
    };
    let body = body(parser, input)?;
    Ok(Loop {
        pattern,
        items,
        key,
        body,
    })
}

fn body(parser: &mut RecoverableContext, input: ParseStream<'_>) -> syn::Result<Nodes> {
    let (_, nodes) = inside(input, |content| {
        let mut nodes = Nodes::new();
        while !content.is_empty() {
            match Node::parse_recoverable(parser, content) {
                Some(node) => nodes.push(node),
                // What is wrong was noted by the parser; the rest is skipped.
                None => break,
            }
        }
        Ok(nodes)
    })?;
    Ok(nodes)
}
