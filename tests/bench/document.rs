//! The page of the documentation that the figures go to: every benchmark replaces its own part and leaves the others.

use anyhow::Context;

/// Where the figures go.
const PAGE: &str = "docs/benchmarks.md";

/// Writes the part of one benchmark, between `<!-- name -->` and `<!-- /name -->`.
pub(crate) fn write(name: &str, part: &str) -> anyhow::Result<()> {
    let page = std::fs::read_to_string(PAGE).context(PAGE)?;
    std::fs::write(PAGE, with_part(&page, name, part)).context(PAGE)
}

/// The page with another part; at its end, if it had none of this name.
fn with_part(page: &str, name: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->\n"));
    let inside = format!("{begin}{}\n{end}", part.trim_end());
    let before = page.split_once(&begin);
    let around = before.and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    match around {
        Some((before, after)) => format!("{before}{inside}{after}"),
        None => format!("{}\n\n{inside}", page.trim_end()),
    }
}

/// Progress of a long measurement.
#[expect(clippy::print_stderr, reason = "progress of a long measurement")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
