//! What the differ sends, merged by the stock client's own code, is the page: random pages in random states.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod lives;
mod oracle;
mod page;
mod rows;
mod shelf;
mod tree;
mod walk;

use fastrand::Rng;
use roost_live::{Differ, html};

use lives::{Passed, Walk};
use oracle::Oracle;
use page::Page;
use rows::Rows;
use tree::Forest;
use walk::walk;

/// More of them: `ROOST_WALKS=1000 cargo test …`.
const WALKS: u64 = 20;
const STEPS: usize = 500;

fn walks() -> u64 {
    let wanted = std::env::var("ROOST_WALKS").ok();
    wanted.map_or(WALKS, |wanted| wanted.parse().expect("ROOST_WALKS is a number"))
}

fn unspoiled(json: String) -> String {
    json
}

#[test]
fn a_page_merged_from_differences_is_the_page_rendered_afresh() {
    let mut messages = 0;
    for seed in 0..walks() {
        let mut rng = Rng::with_seed(seed);
        let walked = walk(&mut Page::new(), STEPS, &mut rng, unspoiled);
        messages += walked.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    assert!(
        messages as u64 > walks() * 250,
        "{messages} messages are too few to say anything"
    );
}

#[test]
fn trees_of_any_shape_merged_from_differences_are_the_trees_rendered_afresh() {
    let mut messages = 0;
    for seed in 0..walks() {
        let mut rng = Rng::with_seed(seed);
        let walked = walk(&mut Forest::new(&mut rng), STEPS, &mut rng, unspoiled);
        messages += walked.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    assert!(
        messages as u64 > walks() * 250,
        "{messages} messages are too few to say anything"
    );
}

#[tokio::test]
async fn a_real_view_whose_components_come_go_and_come_back_is_shown_as_it_is() {
    let mut all = Passed::default();
    for seed in 0..walks() {
        let mut rng = Rng::with_seed(seed);
        let mut walk = Walk::begin().await;
        for step in 0..STEPS {
            if let Err(error) = walk.step(&mut rng).await {
                panic!("seed {seed}, step {step}: {error}");
            }
        }
        all.messages += walk.passed.messages;
        all.destroyed += walk.passed.destroyed;
        all.returned += walk.passed.returned;
    }
    let least = usize::try_from(walks()).unwrap() * STEPS / 10;
    assert!(
        all.messages > least && all.destroyed > least && all.returned > least,
        "too little has happened: {all:?}"
    );
}

#[tokio::test]
async fn a_real_view_whose_components_go_and_come_back_with_rows_of_a_stream_is_shown_as_it_is() {
    let (mut counted, mut destroyed, mut returned) = (0, 0, 0);
    for seed in 0..walks() {
        let mut rng = Rng::with_seed(seed);
        let mut rows = Rows::begin().await;
        for step in 0..STEPS {
            if let Err(error) = rows.step(&mut rng).await {
                panic!("seed {seed}, step {step}: {error}");
            }
        }
        counted += rows.passed.counted;
        destroyed += rows.passed.destroyed;
        returned += rows.passed.returned;
    }
    let least = usize::try_from(walks()).unwrap() * STEPS / 100;
    assert!(
        counted > least && destroyed > least && returned > least / 10,
        "too little has happened: {counted} {destroyed} {returned}"
    );
}

/// The judge must be able to say no.
#[test]
fn a_message_without_the_mark_of_moves_is_noticed() {
    let spoil = |json: String| json.replace("\"km\":true,", "");
    let walked = walk(&mut Page::new(), STEPS, &mut Rng::with_seed(0), spoil);
    assert!(walked.is_err(), "{walked:?}");
}

#[test]
fn a_message_with_a_wrong_place_is_noticed() {
    let spoil = |json: String| json.replace("\"km\":true,", "\"km\":true,\"0\":0,");
    let walked = walk(
        &mut Forest::new(&mut Rng::with_seed(1)),
        STEPS,
        &mut Rng::with_seed(1),
        spoil,
    );
    assert!(walked.is_err(), "{walked:?}");
}

#[test]
fn a_list_in_a_live_component_brings_its_own_table_of_texts() {
    let numbers = [1, 2, 3, 4];
    let component =
        html! { <ul>{for n in numbers { <li>{if n > 0 { <b class="positive">{n}</b> }}</li> }}</ul> };
    let mut differ = Differ::new();
    let mut message = differ.message();
    message
        .root(&html! { <main>{roost_live::Cid(1)}</main> })
        .component(roost_live::Cid(1), &component);
    let json = message.finish().unwrap().into_json();
    assert_eq!(json.matches("positive").count(), 1, "{json}");
    let shown = Oracle::start().full(&json).unwrap();
    assert_eq!(shown, format!("<main>{}</main>", component.to_html()));
}
