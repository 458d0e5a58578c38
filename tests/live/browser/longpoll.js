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

const pollsOf = (one) => {
    const polls = [];
    one.page.on("request", (request) => {
        if (request.url().includes("/live/longpoll")) polls.push(request.method());
    });
    return polls;
};

const remembered = (one) => one.page.evaluate(() => sessionStorage.getItem("phx:fallback:LongPoll"));

scenario("a WebSocket that answers nothing is given up for long poll, and is not tried again", async (one) => {
    const said = [];
    let opened = 0;
    await one.page.routeWebSocket(/\/live\/websocket/, (socket) => {
        opened += 1;
        socket.onMessage((text) => said.push(JSON.parse(text)[3]));
    });
    const polls = pollsOf(one);
    await one.visits("/?fallback=300");
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.ctl("tick");
    await one.sees("#tick", "1");
    assert.ok(polls.includes("GET") && polls.includes("POST"), polls.join());
    assert.equal(opened, 1);
    assert.ok(said.includes("phx_join") && said.includes("heartbeat"), said.join());
    assert.equal(await remembered(one), "true");
    await one.visits("/?fallback=300");
    await one.click("#inc");
    await one.sees("#n", "2");
    assert.equal(opened, 1, "the tab knows");
});

scenario("a WebSocket that answers is not given up", async (one) => {
    const polls = pollsOf(one);
    await one.visits("/?fallback=10000");
    await one.eventually("the heartbeat is answered", () =>
        one.frames.some(({ way, frame }) => way === "<" && frame && frame[2] === "phoenix" && frame[3] === "phx_reply"),
    );
    await one.click("#inc");
    await one.sees("#n", "2");
    assert.deepEqual(polls, []);
    assert.equal(await remembered(one), null);
});

module.exports = scenarios;
