// Signing in: forms of this session's own pages alone are taken, and what comes is another session.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

// Chromium's own word for a socket that was cut.
const CUT = /WebSocket connection to/;

const session = async (one) => (await one.context.cookies()).find(({ name }) => name === "_live_session")?.value;
const token = (one) => one.page.$eval("meta[name=csrf-token]", (element) => element.content);

// Sends a form with the visitor's cookies: the status.
async function posts(one, path, form) {
    const answer = await one.context.request.post(one.base + path, { form, maxRedirects: 0 });
    return answer.status();
}

scenario("a form without the token of a page of its session is refused, and changes nothing", async (one, visitor) => {
    const other = await visitor();
    await other.visits("/");
    const foreign = await token(other);
    assert.equal(await posts(one, "/login", { user: "ann" }), 403, "no session at all");
    await one.visits("/");
    const [before, own] = [await session(one), await token(one)];
    for (const path of ["/login", "/posted"]) {
        for (const forged of [{}, { _csrf_token: "" }, { _csrf_token: foreign }, { _csrf_token: `${own}x` }]) {
            assert.equal(await posts(one, path, { user: "ann", ...forged }), 403, `${path} ${JSON.stringify(forged)}`);
        }
    }
    assert.equal(await session(one), before);
    assert.equal(await posts(one, "/posted", { _csrf_token: own }), 200);
    assert.equal(await posts(one, "/login", { _csrf_token: own, user: "ann" }), 303);
    assert.notEqual(await session(one), before);
});

scenario("who signs in has another session: the token of before is void, and so are pages of before", async (one) => {
    one.expects(CUT);
    await one.visits("/");
    await one.marks();
    const [before, old] = [await session(one), await token(one)];
    const tab = await one.context.newPage();
    await tab.goto(`${one.base}/login`);
    await tab.fill("[name=user]", "ann");
    await tab.click("button");
    await tab.waitForSelector("[data-phx-main].phx-connected", { state: "attached" });
    assert.notEqual(await session(one), before);
    assert.equal(await posts(one, "/posted", { _csrf_token: old }), 403);
    await one.isSamePage();
    await one.ctl("drop");
    await one.isNewPage();
    await one.isLive();
    assert.notEqual(await token(one), old);
    await one.click("#inc");
    await one.sees("#n", "2");
});

scenario("people who are cut off by the name that they signed in with come back, others notice nothing", async (one, visitor) => {
    one.expects(CUT);
    const other = await visitor();
    const joins = ({ frames }) => frames.filter(({ way, frame }) => way === ">" && frame?.[3] === "phx_join").length;
    await one.signsIn("ann");
    await other.signsIn("bob");
    await one.ctl("disconnect", { user: "ann" });
    await one.eventually("she has joined again", () => joins(one) === 2);
    await one.isLive();
    assert.equal(joins(other), 1);
});

module.exports = scenarios;
