//! The stock client of npm in node against the conformance program.

use roost_live_tests::run_script;

use crate::program;

fn holds(transport: &str) {
    let program = program();
    let modules = ("ROOST_LIVE_MODULES", "phoenix/node_modules");
    run_script("channels/client.js", modules, &[program.base(), transport]);
}

#[test]
fn the_stock_client_is_served_by_websocket() {
    holds("websocket");
}

#[test]
fn the_stock_client_is_served_by_long_poll() {
    holds("longpoll");
}
