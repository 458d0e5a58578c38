//! What a difference costs: `cargo run --release -p roost-live --example differ`.
//!
//! A page with 50 values that all change, as a table and as values of one template; then one value of the table. Prints
//! the processor's time per render and difference, the bytes of the message, and what the differ remembers.
#![allow(clippy::print_stdout, reason = "a program that reports")]

use std::time::Instant;

use roost_live::{Differ, Rendered, html};

const VALUES: usize = 50;
const ROUNDS: u32 = 20_000;

fn table(values: &[f64]) -> Rendered {
    html! {
        <h1>"Plant"</h1>
        <table>
            {for (row, value) in values.iter().enumerate(); key = row {
                <tr id="row-{row}"><td class="num">{value}</td></tr>
            }}
        </table>
    }
}

fn cards(values: &[f64]) -> Rendered {
    html! {
        <main>
            {for value in values { <p>{value}</p> }}
            {values.first()}{values.get(1)}{values.get(2)}{values.get(3)}{values.get(4)}{values.get(5)}
        </main>
    }
}

fn measure(name: &str, page: fn(&[f64]) -> Rendered, changing: usize) {
    let mut values = vec![20.0; VALUES];
    let mut differ = Differ::new();
    let full = differ.full(&page(&values)).into_json().len();
    let (mut rendering, mut differing, mut bytes) = (0, 0, 0);
    for round in 0..ROUNDS {
        for (at, value) in values.iter_mut().enumerate().take(changing) {
            *value = f64::from(round % 10_000) / 100.0 + f64::from(u8::try_from(at).unwrap_or(0));
        }
        let started = Instant::now();
        let page = page(&values);
        rendering += started.elapsed().as_nanos();
        let started = Instant::now();
        let diff = differ.diff(&page);
        differing += started.elapsed().as_nanos();
        bytes += diff.map_or(0, |diff| diff.json().len());
    }
    let each =
        |nanos: u128| f64::from(u32::try_from(nanos / u128::from(ROUNDS)).unwrap_or(u32::MAX)) / 1000.0;
    println!(
        "{name}: render {:.2} us, difference {:.2} us, {} bytes; full {full} bytes; remembered {} bytes",
        each(rendering),
        each(differing),
        bytes / ROUNDS as usize,
        differ.memory_bytes()
    );
}

fn main() {
    measure("50 of 50 rows", table, VALUES);
    measure("1 of 50 rows", table, 1);
    measure("50 of 50 values", cards, VALUES);
}
