// What a client does when nothing happens: answers that do not come, pages that nobody looks at, pages that come back.
// Clocks are put forward; nobody waits.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { Tab } = require("./tab.js");
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

// From now on no time passes but what is said to: nothing happens only because a machine is slow.
async function stopsTheClock(one) {
    const now = Date.now();
    await one.page.clock.install({ time: now });
    await one.page.clock.pauseAt(now + 1_000);
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
    await stopsTheClock(one);
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
    await stopsTheClock(one);
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
    await stopsTheClock(one);
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

const IS_LIVE = 'document.querySelector("[data-phx-main].phx-connected")';

// Sockets that were opened since the last time.
async function sockets(one) {
    const frames = await one.ctl("frames", { clear: "1" });
    return frames.filter(([way]) => way === "ws").length;
}

scenario("a page that nobody looks at connects again when somebody does", async (one) => {
    await Tab.within(one.context.browser(), [`${one.base}/`, "about:blank"], async (page, other) => {
        await page.comesToFront();
        await page.until(IS_LIVE);
        await page.evaluate("window.__mark = true; window.SAID = [];");
        await page.evaluate("liveSocket.socket.logger = (words) => SAID.push(words);");
        await other.comesToFront();
        await page.until('document.visibilityState === "hidden"');
        await sockets(one);
        await one.ctl("drop");
        await page.until('SAID.includes("Not reconnecting as page is hidden!")');
        assert.equal(await sockets(one), 0);
        await page.comesToFront();
        await page.until(IS_LIVE);
        assert.equal(await sockets(one), 1);
        await page.evaluate('document.querySelector("#inc").click()');
        await page.until('document.querySelector("#n").textContent === "2"');
        assert.equal(await page.evaluate("window.__mark"), true);
    });
});

// The client of 1.2.12 looks at events of elements only, and the window is none. When another does, this fails, and
// docs/live.md is to be changed.
scenario("the client says nothing of a window that gets or loses the focus", async (one) => {
    await Tab.within(one.context.browser(), [`${one.base}/effects`, "about:blank"], async (page, other) => {
        await page.comesToFront();
        await page.until(IS_LIVE);
        await page.evaluate("window.SEEN = []; for (const name of ['focus', 'blur']) addEventListener(name, () => SEEN.push(name));");
        await other.comesToFront();
        await page.until('SEEN.includes("blur")');
        await page.comesToFront();
        await page.until('SEEN.includes("focus")');
        await page.evaluate('document.querySelector("#more").click()');
        await page.until('document.querySelector("#n").textContent === "1"');
        assert.equal(await page.evaluate('document.querySelectorAll("#heard li").length'), 0);
    });
});

// Leaves the page for one of another site, and comes back by the browser's history. Whether the browser had kept the
// page as it was; either way it is loaded.
async function leavesAndReturns(one) {
    // A page that is no live page asks for its icon; a page that is loaded again lets go of its new socket.
    one.expects(/favicon\.ico|status of 404|WebSocket is closed before/);
    await one.page.addInitScript(() =>
        addEventListener("pageshow", ({ persisted }) => console.log(`${location.pathname} was kept: ${persisted}`)),
    );
    await one.visits("/");
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.page.goto(`${one.base.replace("127.0.0.1", "localhost")}/js/app.js`);
    await one.ctl("hits");
    await one.page.evaluate(() => setTimeout(() => history.back()));
    await one.sees("#n", "0");
    await one.isLive();
    assert.deepEqual(await one.ctl("hits"), ["/"]);
    return one.console.some((line) => line.includes("/ was kept: true"));
}

scenario("a live page is not kept by the browser when it is left", async (one) => {
    assert.equal(await leavesAndReturns(one), false);
});

scenario("a page that the browser has kept all the same is loaded again", async (one) => {
    await one.page.route(`${one.base}/`, async (route) => {
        const response = await route.fetch();
        const headers = response.headers();
        // What says that it is not to be kept.
        delete headers["cache-control"];
        await route.fulfill({ response, headers });
    }, { times: 1 });
    assert.equal(await leavesAndReturns(one), true);
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
