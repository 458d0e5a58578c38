// Patches, live navigation, redirects, back and forward, flash on the way.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

scenario("a patch link changes the address and keeps the view", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.click("#patch");
    await one.sees("#q", '{"tab":"x"}');
    await one.isAt("/?tab=x");
    await one.sees("#n", "2");
    assert.equal(one.between(0, ">", "phx_join").length, 1);
    await one.isSamePage();
});

scenario("back and forward go through patches", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.click("#patch");
    await one.sees("#q", '{"tab":"x"}');
    await one.page.goBack();
    await one.sees("#q", "{}");
    await one.isAt("/");
    await one.page.goForward();
    await one.sees("#q", '{"tab":"x"}');
    await one.isSamePage();
});

scenario("a navigate link goes to another view over the same socket", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.ctl("hits");
    await one.click("#redir");
    await one.sees("#two", 'Page two {"z":"1"}');
    await one.isAt("/two?z=1");
    await one.click("#back");
    await one.sees("#n", "0");
    await one.isAt("/");
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.isSamePage();
    assert.deepEqual(await one.ctl("hits"), []);
    assert.equal(one.frames.filter(({ way }) => way === "open").length, 1);
});

scenario("back and forward go through views", async (one) => {
    await one.visits("/?first=1");
    await one.marks();
    await one.click("#redir");
    await one.sees("#two", 'Page two {"z":"1"}');
    await one.page.goBack();
    await one.sees("#q", '{"first":"1"}');
    await one.page.goForward();
    await one.sees("#two", 'Page two {"z":"1"}');
    await one.isSamePage();
});

async function saves(one, name) {
    await one.types("#name", name);
    await one.click("#save");
}

scenario("a view may redirect: the other page is loaded", async (one) => {
    await one.visits("/");
    await one.marks();
    await saves(one, "redir");
    await one.sees("#two", 'Page two {"from":"save"}');
    await one.isNewPage();
    await one.isAt("/two?from=save");
});

scenario("a view may navigate: the other view is joined, and the flash goes along", async (one) => {
    await one.visits("/");
    await one.marks();
    await saves(one, "lredir");
    await one.sees("#two", 'Page two {"from":"lr"}');
    await one.sees("#fl", "hello");
    await one.isSamePage();
    await one.click("#back");
    await one.sees("#n", "0");
    await one.misses("#fl");
});

scenario("a view may patch its own address, before the reply that shows it", async (one) => {
    await one.visits("/");
    await one.marks();
    const since = one.frames.length;
    await saves(one, "pp");
    await one.sees("#q", '{"pp":"1"}');
    await one.isAt("/?pp=1");
    await one.isSamePage();
    const received = one.frames.slice(since).filter(({ way, frame }) => way === "<" && frame);
    const patch = received.findIndex(({ frame }) => frame[3] === "live_patch");
    const reply = received.findLastIndex(({ frame }) => frame[3] === "phx_reply");
    assert.ok(patch >= 0 && patch < reply, "live_patch stands before the reply");
});

scenario("a flash is seen once", async (one) => {
    await one.visits("/");
    await saves(one, "lredir");
    await one.sees("#fl", "hello");
    await one.page.reload();
    await one.isLive();
    assert.equal(await one.page.$eval("body", () => document.querySelector("#fl")?.textContent.trim() || ""), "");
});

scenario("the server may push a patch at any time", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.ctl("push", { ev: "live_patch", payload: { kind: "push", to: "/?pushed=1" } });
    await one.isAt("/?pushed=1");
    await one.isSamePage();
});

scenario("the server may push a navigation at any time", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.ctl("push", { ev: "live_redirect", payload: { kind: "push", to: "/two?by=push" } });
    await one.sees("#two", 'Page two {"by":"push"}');
    await one.isSamePage();
});

scenario("the server may push a redirect at any time", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.ctl("push", { ev: "redirect", payload: { to: "/two?by=redirect" } });
    await one.sees("#two", 'Page two {"by":"redirect"}');
    await one.isNewPage();
});

scenario("a reload shows the address it was at", async (one) => {
    await one.visits("/");
    await one.click("#patch");
    await one.isAt("/?tab=x");
    await one.page.reload();
    await one.isLive();
    await one.sees("#q", '{"tab":"x"}');
});

scenario("the title of a page comes back with it", async (one) => {
    await one.visits("/");
    await one.ctl("tick");
    await one.until("the title ticks", () => document.title === "tick 1 | GW");
    await one.click("#redir");
    await one.sees("#two", 'Page two {"z":"1"}');
    await one.until("the default title", () => document.title === "Exp | GW", null, () => one.page.title());
});

module.exports = scenarios;
