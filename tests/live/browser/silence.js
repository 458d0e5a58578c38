// What a client does when nothing happens: answers that do not come, pages that nobody looks at, pages that come back.
// Clocks are put forward; nobody waits.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

// How long the client waits for the answer to an event, and to a join; the longest time until it loads the page again.
const EVENT_MS = 30_000;
const JOIN_MS = 10_000;
const JITTER_MS = 10_000;
const FAILSAFE_MS = 30_000;
const RELOADS = 10;

// Stands between the page and the program: frames of the program that `swallow` names never arrive.
async function loses(one, swallow) {
    const lost = [];
    await one.page.routeWebSocket(/\/live\/websocket/, (page) => {
        const program = page.connectToServer();
        page.onMessage((text) => program.send(text));
        program.onMessage((text) => {
            const frame = JSON.parse(text);
            if (swallow(frame, lost.length)) lost.push(frame);
            else page.send(text);
        });
    });
    return lost;
}

const passes = (one, time_ms) => one.page.clock.fastForward(time_ms);

// Time passes until the page that is there has been loaded anew.
async function isLoadedAgain(one, time_ms) {
    const loads = one.documents.length;
    const loaded = one.page.waitForEvent("load");
    await passes(one, time_ms);
    await loaded;
    assert.equal(one.documents.length, loads + 1);
}

scenario("an event that is not answered in half a minute has the page loaded again", async (one) => {
    one.expects(/Failed to push event .*push timeout/);
    await one.page.clock.install();
    const clicks = ({ 3: event, 4: payload }, count) =>
        event === "phx_reply" && count === 0 && payload.response.diff?.[1] === "2";
    const lost = await loses(one, clicks);
    await one.visits("/");
    await one.click("#inc");
    await one.eventually("the answer is lost", () => lost.length === 1);
    // The button waits for its answer.
    await one.page.waitForSelector("#inc.phx-click-loading");
    await passes(one, EVENT_MS);
    await isLoadedAgain(one, JITTER_MS);
    await one.isLive();
    await one.click("#inc");
    await one.sees("#n", "2");
});

scenario("a join that is not answered in ten seconds is left, and the page is loaded again", async (one) => {
    await one.page.clock.install();
    const lost = await loses(one, ({ 3: event, 4: payload }, count) => count === 0 && event === "phx_reply" && payload.response.rendered);
    await one.page.goto(`${one.base}/`);
    await one.eventually("the answer is lost", () => lost.length === 1);
    await passes(one, JOIN_MS);
    await one.page.waitForSelector("[data-phx-main].phx-error.phx-server-error");
    await isLoadedAgain(one, JITTER_MS);
    await one.isLive();
    await one.click("#inc");
    await one.sees("#n", "2");
});

scenario("a page that was loaded in vain ten times waits half a minute for the next time", async (one) => {
    await one.page.clock.install();
    await one.ctl("hits");
    await one.ctl("set", { joinMode: "crash", times: String(1 + RELOADS) });
    await one.page.goto(`${one.base}/`);
    const hasFailed = () => one.page.waitForSelector("[data-phx-main].phx-server-error");
    for (let reload = 0; reload < RELOADS; reload += 1) {
        await hasFailed();
        await isLoadedAgain(one, JITTER_MS);
    }
    await hasFailed();
    await passes(one, JITTER_MS);
    await hasFailed();
    assert.equal((await one.ctl("hits")).length, 1 + RELOADS);
    await isLoadedAgain(one, FAILSAFE_MS - JITTER_MS);
    await one.isLive();
    await one.click("#inc");
    await one.sees("#n", "2");
});

async function isShown(one, shown) {
    await one.page.evaluate((state) => {
        Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, shown ? "visible" : "hidden");
}

const sockets = (one) => one.frames.filter(({ way }) => way === "open").length;

scenario("a page that nobody looks at connects again when somebody does", async (one) => {
    one.expects(/WebSocket connection to/);
    await one.page.clock.install();
    await one.visits("/");
    await one.marks();
    await isShown(one, false);
    await one.ctl("drop");
    await one.page.waitForSelector("[data-phx-main].phx-client-error");
    for (let minute = 0; minute < 10; minute += 1) await passes(one, 60_000);
    assert.equal(sockets(one), 1);
    await isShown(one, true);
    await one.eventually("it is connected again", () => sockets(one) === 2);
    await one.isLive();
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.isSamePage();
});

scenario("a page that comes back from the browser's memory is loaded again", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.ctl("hits");
    // What the browser says of a page that it has kept as it was when it was left.
    await one.page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await one.isNewPage();
    await one.isLive();
    await one.sees("#n", "0");
    assert.deepEqual(await one.ctl("hits"), ["/"]);
});

scenario("a socket that is silent for too long is given up and opened again", async (one) => {
    one.expects(/WebSocket connection to/);
    await one.page.clock.install();
    const beats = ({ 2: topic }, count) => topic === "phoenix" && count === 0;
    const lost = await loses(one, beats);
    await one.visits("/");
    await one.marks();
    // The client says that it is there, and is not answered until it wants to say so again.
    await passes(one, 30_000);
    await one.eventually("the answer is lost", () => lost.length === 1);
    await passes(one, 30_000);
    await one.eventually("the view has joined again", () => one.between(0, ">", "phx_join").length === 2);
    await one.isLive();
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.isSamePage();
});

module.exports = scenarios;
