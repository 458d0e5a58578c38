// What a page is before and after its view has joined: clicks, keys, JS commands, title, flash.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

scenario("a page is whole before any script runs", async (_, visitor) => {
    const reader = await visitor({ javaScriptEnabled: false });
    await reader.page.goto(`${reader.base}/?tab=x`);
    assert.equal(await reader.page.title(), "Exp | GW");
    assert.equal(await reader.text("#n"), "0");
    assert.deepEqual(await reader.texts("#list > li"), ["A", "B", "C"]);
    assert.deepEqual(await reader.texts("#rows > tr"), ["r1", "r2", "r3"]);
    assert.equal(await reader.text("#q"), '{"tab":"x"}');
    assert.equal(await reader.page.isVisible("#panel"), false);
    assert.equal(await reader.page.$$eval("[data-phx-main][data-phx-session][data-phx-static]", (all) => all.length), 1);
});

scenario("a view joins with the page's address and answers with the version of the client it ships", async (one) => {
    await one.visits("/?a=1");
    const [join] = one.between(0, ">", "phx_join");
    assert.match(join[4].url, /\/\?a=1$/);
    assert.equal(join[4].params._mounts, 0);
    const [reply] = one.between(0, "<", "phx_reply");
    assert.equal(reply[4].status, "ok");
    const shipped = await one.page.evaluate(() => window.liveSocket?.version?.() ?? "1.2.12");
    assert.equal(reply[4].response.liveview_version, shipped);
    await one.sees("#q", '{"a":"1"}');
});

scenario("a page is loaded once", async (one) => {
    await one.ctl("hits");
    await one.visits("/");
    assert.deepEqual(await one.ctl("hits"), ["/"]);
});

scenario("a click carries the values of its element", async (one) => {
    await one.visits("/");
    const answer = await one.pushing(() => one.click("#inc"));
    assert.ok(answer.diff, "the reply carries the diff");
    await one.sees("#n", "2");
    await one.click("#inc");
    await one.sees("#n", "4");
});

scenario("an event that changes nothing is answered with nothing", async (one) => {
    await one.visits("/");
    assert.deepEqual(await one.pushing(() => one.click("#noop")), {});
});

scenario("a key counts only if it is the one that the element names", async (one) => {
    await one.visits("/");
    await one.press("#key", "a");
    await one.press("#key", "Enter");
    await one.sees("#n", "100");
    const keys = one.between(0, ">", "event").filter((frame) => frame[4].type === "keydown");
    assert.deepEqual(keys.map((frame) => frame[4].value.key), ["Enter"]);
});

scenario("a JS command toggles, pushes and adds a class at once, and patches leave what it did", async (one) => {
    await one.visits("/");
    await one.click("#js");
    await one.sees("#n", "5");
    await one.page.waitForSelector("#panel", { state: "visible" });
    await one.click("#inc");
    await one.sees("#n", "7");
    assert.equal(await one.page.isVisible("#panel"), true);
    assert.equal(await one.page.$eval("#cnt", (element) => element.classList.contains("pushed")), true);
    await one.click("#js");
    await one.sees("#n", "12");
    await one.page.waitForSelector("#panel", { state: "hidden" });
});

scenario("a message from elsewhere changes the page, its title and its chart", async (one) => {
    await one.visits("/");
    await one.ctl("tick");
    await one.sees("#tick", "1");
    await one.until("the title has its suffix", () => document.title === "tick 1 | GW", null, () => one.page.title());
    await one.hookLogHas("pt1");
});

scenario("every open page hears it", async (one, visitor) => {
    const other = await visitor();
    await one.visits("/");
    await other.visits("/");
    await one.ctl("tick");
    await one.sees("#tick", "1");
    await other.sees("#tick", "1");
});

scenario("a flash shows until it is clicked away", async (one) => {
    await one.visits("/");
    await one.types("#name", "Jane");
    await one.click("#save");
    await one.sees("#fl", "saved Jane go");
    await one.click("#fl");
    await one.misses("#fl");
});

scenario("only what has changed is sent", async (one) => {
    await one.visits("/");
    const { diff } = await one.pushing(() => one.click("#inc"));
    const size = JSON.stringify(diff).length;
    assert.ok(size <= '{"1":"2","9":" data-points=\\"2\\""}'.length, `no more than Phoenix sends: ${JSON.stringify(diff)}`);
});

scenario("every field has a label, for who can't see where it stands", async (one) => {
    for (const path of ["/login", "/", "/more", "/effects", "/pictures"]) {
        await (path === "/login" ? one.page.goto(one.base + path) : one.visits(path));
        const fields = await one.page.$$eval("input:not([type=hidden]), select, textarea", (fields) =>
            fields.map(({ outerHTML, labels }) => [outerHTML, [...labels].map((label) => label.innerText).join("")]),
        );
        assert.ok(fields.length > 0, path);
        assert.deepEqual(fields.filter(([, label]) => label.trim() === ""), [], path);
    }
});

module.exports = scenarios;
