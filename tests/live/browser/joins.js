// Joins that are refused: what goes along with the refusal, and views within a view.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

// What the page hears in the name of a view. A page load begins anew.
async function listens(one, name) {
    await one.page.addInitScript((name) => {
        window.HEARD = [];
        window.addEventListener(`phx:${name}`, () => window.HEARD.push(name));
    }, name);
}

scenario("a refused join tells its events before the client goes elsewhere", async (one) => {
    await listens(one, "sorry");
    await one.ctl("set", { joinMode: "live_redirect", event: "sorry", flash: "not now" });
    await one.visits("/");
    await one.sees("#two", 'Page two {"from":"join"}');
    await one.sees("#fl", "not now");
    assert.deepEqual(await one.page.evaluate(() => window.HEARD), ["sorry"]);
    const [refusal] = one.between(0, "<", "phx_reply");
    assert.deepEqual(Object.keys(refusal[4].response).sort(), ["events", "live_redirect"]);
});

scenario("a redirect of a join takes its flash along, to be seen once", async (one) => {
    await one.ctl("set", { joinMode: "redirect", flash: "sign in first" });
    await one.page.goto(`${one.base}/`);
    await one.sees("#two", 'Page two {"from":"join"}');
    await one.sees("#fl", "sign in first");
    await one.isLive();
    await one.page.reload();
    await one.isLive();
    await one.sees("#fl", "");
    assert.deepEqual((await one.context.cookies()).filter(({ name }) => name === "__phoenix_flash__"), []);
});

scenario("navigation that is refused as unauthorized is a page load, and its flash is seen there", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.ctl("set", { joinMode: "unauthorized" });
    await one.types("#name", "lredir");
    await one.click("#save");
    await one.sees("#two", 'Page two {"from":"lr"}');
    await one.isNewPage();
    await one.sees("#fl", "hello");
});

const joinsOf = (one, id) => one.between(0, ">", "phx_join").filter(([, , topic]) => topic === `lv:${id}`);

async function countsInside(one, from = 10) {
    await one.page.waitForSelector("#egg.phx-connected");
    await one.click("#inner");
    await one.sees("#inner", String(from + 1));
}

scenario("a view within another joins after it, without an address", async (one) => {
    await one.visits("/nest");
    await countsInside(one);
    const joins = one.between(0, ">", "phx_join");
    assert.deepEqual(joins.map(([, , topic]) => topic === "lv:egg"), [false, true]);
    assert.deepEqual([joins[1][4].url, joins[1][4].redirect], [undefined, undefined]);
});

for (const mode of ["stale", "unauthorized"]) {
    scenario(`a view within another whose join is ${mode} has the page loaded again`, async (one) => {
        await one.ctl("hits");
        await one.ctl("set", { joinMode: mode, id: "egg" });
        await one.visits("/nest");
        await one.eventually("the page is loaded again", () => one.documents.length === 2);
        await countsInside(one);
        assert.deepEqual(await one.ctl("hits"), ["/nest", "/nest"]);
    });
}

scenario("a view within another may send the browser to another page", async (one) => {
    await one.ctl("set", { joinMode: "redirect", id: "egg" });
    await one.page.goto(`${one.base}/nest`);
    await one.sees("#two", 'Page two {"from":"join"}');
});

scenario("a view within another may take the page to another view", async (one) => {
    await one.ctl("set", { joinMode: "live_redirect", id: "egg" });
    await one.page.goto(`${one.base}/nest`);
    await one.sees("#two", 'Page two {"from":"join"}');
    await one.isAt("/two?from=join");
    assert.equal(one.documents.length, 1);
});

scenario("a view within another that crashes at its join is joined again", async (one) => {
    await one.ctl("set", { joinMode: "crash", id: "egg" });
    await one.visits("/nest");
    await countsInside(one);
    assert.deepEqual(joinsOf(one, "egg").map((join) => join[4].params._mount_attempts), [0, 1]);
    await one.click("#outer");
    await one.sees("#outer", "1");
    assert.equal(one.documents.length, 1);
});

const failures = (one) => one.between(0, "<", "phx_reply").filter((reply) => reply[4].response.reason === "join crashed").length;

// It is given up when it has left; what it says until then is counted.
const isGivenUp = (one) =>
    one.eventually("it is given up", () => one.between(0, ">", "phx_leave").some(([, , topic]) => topic === "lv:egg"));

scenario("a page whose inner view crashes at three joins shows that it is not whole", async (one) => {
    await one.ctl("set", { joinMode: "crash", id: "egg", times: "3" });
    await one.page.goto(`${one.base}/nest`);
    await isGivenUp(one);
    await one.page.waitForSelector("[data-phx-main].phx-error.phx-server-error");
    assert.deepEqual(joinsOf(one, "egg").map((join) => join[4].params._mount_attempts), [0, 1, 2]);
    assert.equal(one.documents.length, 1);
});

scenario("a view within another that crashes later and at three joins is given up, and the page lives on", async (one) => {
    await one.page.clock.install();
    await one.visits("/nest");
    await countsInside(one);
    await one.ctl("set", { joinMode: "crash", id: "egg", times: "3" });
    await one.click("#crash-inner");
    for (let failed = 0; failed < 3; failed += 1) {
        await one.eventually("it has failed again", () => failures(one) >= failed);
        // As long as the client ever waits before it tries again.
        await one.page.clock.fastForward(5000);
    }
    await isGivenUp(one);
    assert.equal(joinsOf(one, "egg").length, 1 + 3);
    await one.page.waitForSelector("[data-phx-main].phx-error");
    await one.click("#outer");
    await one.sees("#outer", "1");
    assert.equal(one.documents.length, 1);
});

module.exports = scenarios;
