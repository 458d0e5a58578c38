// What goes wrong, and what a person sees of it: crashes, lost sockets, joins that are refused.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

// Chromium's own word for a socket that was cut.
const CUT = /WebSocket connection to/;

const rejoins = (one) => one.between(0, ">", "phx_join").filter((frame) => frame[4].params._mounts >= 1).length;

// Remembers every class that the view's container has had.
async function watchesClasses(one) {
    await one.page.evaluate(() => {
        window.CLASSES = [];
        const main = document.querySelector("[data-phx-main]");
        new MutationObserver(() => window.CLASSES.push(...main.classList)).observe(main, { attributeFilter: ["class"] });
    });
}

const classes = (one) => one.page.evaluate(() => [...new Set(window.CLASSES)]);

async function rejoined(one, count = 1) {
    await one.eventually(`rejoined ${count} times`, () => rejoins(one) >= count);
    await one.isLive();
}

scenario("a view that crashes is started anew on the same page; what stood in its form is replayed", async (one) => {
    await one.visits("/");
    await one.marks();
    await watchesClasses(one);
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.types("#name", "Jo");
    await one.sees("#err", "too short");
    await one.click("#crash");
    await rejoined(one);
    await one.sees("#n", "0");
    await one.sees("#err", "too short");
    assert.equal(await one.value("#name"), "Jo");
    await one.isSamePage();
    assert.ok((await classes(one)).includes("phx-server-error"));
    await one.click("#inc");
    await one.sees("#n", "2");
});

scenario("a crash of one view is nothing to another", async (one, visitor) => {
    const other = await visitor();
    await one.visits("/");
    await other.visits("/");
    await other.click("#inc");
    await other.sees("#n", "2");
    await one.click("#crash");
    await rejoined(one);
    await other.click("#inc");
    await other.sees("#n", "4");
    assert.equal(rejoins(other), 0);
});

scenario("a view may crash again and again", async (one) => {
    await one.visits("/");
    for (let round = 1; round <= 3; round += 1) {
        await one.click("#crash");
        await rejoined(one, round);
    }
    await one.click("#inc");
    await one.sees("#n", "2");
});

scenario("a socket that is cut comes back by itself: no page load, forms replayed, hooks told", async (one) => {
    one.expects(CUT);
    await one.visits("/");
    await one.marks();
    await watchesClasses(one);
    await one.types("#name", "Al");
    await one.ctl("hits");
    await one.ctl("drop");
    await rejoined(one);
    await one.hookLogHas("disconnected");
    await one.hookLogHas("reconnected");
    await one.sees("#err", "too short");
    assert.equal(await one.value("#name"), "Al");
    await one.isSamePage();
    assert.deepEqual(await one.ctl("hits"), []);
    assert.ok((await classes(one)).includes("phx-client-error"));
    await one.click("#inc");
    await one.sees("#n", "2");
});

for (const code of [1001, 1002, 1011, 1012, 1013]) {
    scenario(`a socket closed with ${code} comes back without a page load`, async (one) => {
        one.expects(CUT);
        await one.visits("/");
        await one.marks();
        await one.ctl("close", { code: String(code) });
        await rejoined(one);
        await one.click("#inc");
        await one.sees("#n", "2");
        await one.isSamePage();
    });
}

scenario("a socket closed with 1000 does not come back: the page is loaded again after a while", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.ctl("hits");
    await one.ctl("close", { code: "1000" });
    await one.isNewPage();
    await one.isLive();
    assert.equal(rejoins(one), 0, "the old page has not joined again");
    assert.deepEqual(await one.ctl("hits"), ["/"]);
    await one.click("#inc");
    await one.sees("#n", "2");
});

scenario("components, streams and lists are whole after a socket was cut", async (one) => {
    one.expects(CUT);
    await one.visits("/");
    await one.ctl("list", { items: [{ k: "x", v: "X", sub: ["1"] }] });
    await one.seesAll("#list b", ["1"]);
    await one.ctl("comp", { add: "2" });
    await one.page.waitForSelector("#comp-2");
    await one.ctl("drop");
    await rejoined(one);
    await one.seesAll("#list > li", ["A", "B", "C"]);
    await one.seesAll("#rows > tr", ["r1", "r2", "r3"]);
    await one.misses("#comp-2");
    await one.click("#comp-1 .cbtn");
    await one.until("it counts", () => document.querySelector("#comp-1").textContent.includes("comp n=1"));
});

for (const mode of ["stale", "unauthorized"]) {
    scenario(`a join answered with ${mode} loads the page again`, async (one) => {
        await one.ctl("hits");
        await one.ctl("set", { joinMode: mode });
        await one.visits("/?x=1");
        await one.click("#inc");
        await one.sees("#n", "2");
        assert.deepEqual(await one.ctl("hits"), ["/?x=1", "/?x=1"]);
    });
}

scenario("a join answered with reload loads the page that says why, and forgets it", async (one) => {
    one.expects(/Failed to load resource: the server responded with a status of 404/);
    await one.ctl("set", { joinMode: "reload" });
    await one.page.goto(`${one.base}/`);
    await one.eventually("the page of the status is shown", () => one.documents.some(({ status }) => status === 404));
    await one.until("it is no live page", () => document.readyState === "complete" && !document.querySelector("[data-phx-main]"));
    await one.visits("/");
    await one.click("#inc");
    await one.sees("#n", "2");
});

scenario("a join that crashes shows an error and loads the page again after a while", async (one) => {
    await one.ctl("hits");
    await one.ctl("set", { joinMode: "crash" });
    await one.page.goto(`${one.base}/`);
    await one.page.waitForSelector("[data-phx-main].phx-server-error");
    await one.isLive();
    assert.deepEqual(await one.ctl("hits"), ["/", "/"]);
    await one.click("#inc");
    await one.sees("#n", "2");
});

scenario("a join answered with redirect loads the other page", async (one) => {
    await one.ctl("hits");
    await one.ctl("set", { joinMode: "redirect" });
    await one.page.goto(`${one.base}/`);
    await one.sees("#two", 'Page two {"from":"join"}');
    assert.deepEqual(await one.ctl("hits"), ["/", "/two?from=join"]);
});

scenario("a join answered with live navigation joins the other view", async (one) => {
    await one.ctl("hits");
    await one.ctl("set", { joinMode: "live_redirect" });
    await one.page.goto(`${one.base}/`);
    await one.sees("#two", 'Page two {"from":"join"}');
    await one.isAt("/two?from=join");
    assert.deepEqual(await one.ctl("hits"), ["/"]);
});

scenario("a join that patches changes the address", async (one) => {
    await one.ctl("set", { joinMode: "patch" });
    await one.visits("/");
    await one.isAt("/?patched=1");
    await one.sees("#q", '{"patched":"1"}');
});

scenario("an event that is answered with an error is complained of, and the page goes on", async (one) => {
    one.expects(/Failed to push .*is no event of a page/);
    await one.visits("/");
    await one.marks();
    const refused = await one.pushing(() =>
        one.page.$eval("#noop", (noop) => window.liveSocket.execJS(noop, '[["push",{"event":"lv:unheard"}]]')),
    );
    assert.deepEqual(refused, { reason: "lv:unheard is no event of a page" });
    await one.eventually("the client complains", () => one.console.some((line) => line.includes("lv:unheard")));
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.isSamePage();
});

scenario("a message to a topic that is not joined is answered so, and the page goes on", async (one) => {
    await one.visits("/");
    await one.marks();
    const refused = await one.pushing(() =>
        one.page.evaluate(() => {
            const { socket } = window.liveSocket;
            const said = { type: "click", event: "inc", value: {} };
            socket.push({ topic: "lv:foreign", event: "event", payload: said, ref: socket.makeRef(), join_ref: null });
        }),
    );
    assert.deepEqual(refused, { reason: "unmatched topic" });
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.isSamePage();
});

scenario("a page with a foreign session token is loaded again and works", async (one) => {
    await one.ctl("hits");
    let forged = false;
    await one.page.route(`${one.base}/`, async (route) => {
        const response = await route.fetch();
        const text = await response.text();
        const body = forged ? text : text.replace(/data-phx-session="([^"]{20})/, 'data-phx-session="$1x');
        forged = true;
        await route.fulfill({ response, body });
    });
    await one.visits("/");
    await one.click("#inc");
    await one.sees("#n", "2");
    assert.deepEqual(await one.ctl("hits"), ["/", "/"]);
});

scenario("a page with a foreign CSRF token is loaded again and works", async (one) => {
    await one.ctl("hits");
    let forged = false;
    await one.page.route(`${one.base}/`, async (route) => {
        const response = await route.fetch();
        const text = await response.text();
        const body = forged ? text : text.replace(/(<meta name="csrf-token" content=")[^"]{8}/, "$1AAAAAAAA");
        forged = true;
        await route.fulfill({ response, body });
    });
    await one.visits("/");
    await one.click("#inc");
    await one.sees("#n", "2");
    assert.deepEqual(await one.ctl("hits"), ["/", "/"]);
});

module.exports = scenarios;
