// The same page over long poll.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

scenario("long poll does what the WebSocket does", async (one) => {
    await one.visits("/?lp=1");
    await one.marks();
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.ctl("tick");
    await one.sees("#tick", "1");
    await one.fill("#name", "ab");
    await one.sees("#err", "too short");
    await one.ctl("list", { items: [{ k: "b", v: "B" }, { k: "z", v: "Z", sub: ["1"] }] });
    await one.seesAll("#list > li", ["B", "Z1"]);
    await one.hookLogHas("pt1");
    await one.click("#redir");
    await one.sees("#two", 'Page two {"z":"1"}');
    await one.isSamePage();
    assert.equal(one.frames.length, 0, "no WebSocket was opened");
});

scenario("a view that crashes is started anew over long poll, too", async (one) => {
    await one.visits("/?lp=1");
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.click("#crash");
    await one.sees("#n", "0");
    await one.isLive();
    await one.click("#inc");
    await one.sees("#n", "2");
});

scenario("a token travels with long poll, too", async (one) => {
    await one.visits("/?auth=1&lp=1");
    await one.click("#inc");
    await one.sees("#n", "2");
});

module.exports = scenarios;
