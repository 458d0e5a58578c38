//! Figures of several runs, as rows of a table: the median, and between what they lay.

/// One figure of one run.
pub(crate) struct Figure {
    /// What it says.
    pub(crate) what: String,
    /// What was measured here.
    pub(crate) ours: f64,
    /// The same of the least that can do it, where that was measured.
    pub(crate) bare: Option<f64>,
    /// The same of Phoenix, as text.
    pub(crate) phoenix: &'static str,
    /// Digits after the point.
    pub(crate) digits: usize,
}

impl Figure {
    /// A figure with nothing to compare it to but Phoenix.
    pub(crate) fn new(what: impl Into<String>, ours: f64, digits: usize, phoenix: &'static str) -> Self {
        Self {
            what: what.into(),
            ours,
            bare: None,
            phoenix,
            digits,
        }
    }
}

/// The table of figures that were measured several times, each time the same ones.
pub(crate) fn table(runs: &[Vec<Figure>]) -> String {
    let Some((first, _)) = runs.split_first() else {
        return String::new();
    };
    let has_bare = first.iter().any(|figure| figure.bare.is_some());
    let mut text = if has_bare {
        "| | Roost | bare loop of `send` | Phoenix |\n| --- | --: | --: | --: |\n".to_owned()
    } else {
        "| | Roost | Phoenix |\n| --- | --: | --: |\n".to_owned()
    };
    for (
        at,
        Figure {
            what,
            phoenix,
            digits,
            ..
        },
    ) in first.iter().enumerate()
    {
        let ours = spread(runs.iter().map(|run| run[at].ours).collect(), *digits);
        let bare = spread(runs.iter().filter_map(|run| run[at].bare).collect(), *digits);
        text += &if has_bare {
            format!("| {what} | {ours} | {bare} | {phoenix} |\n")
        } else {
            format!("| {what} | {ours} | {phoenix} |\n")
        };
    }
    text
}

/// The median, with the lowest and the highest if they differ as far as it is said.
fn spread(mut values: Vec<f64>, digits: usize) -> String {
    values.sort_unstable_by(f64::total_cmp);
    let (Some(low), Some(high)) = (values.first(), values.last()) else {
        return "–".to_owned();
    };
    let say = |value: f64| format!("{value:.digits$}");
    let median = say(values[values.len() / 2]);
    if say(*low) == say(*high) {
        median
    } else {
        format!("{median} ({}–{})", say(*low), say(*high))
    }
}
