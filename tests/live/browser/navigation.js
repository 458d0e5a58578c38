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

scenario("navigation to another group is a page load", async (one) => {
    await one.visits("/more");
    await one.marks();
    await one.click("#other");
    await one.sees("#two", "Page two {}");
    await one.isNewPage();
    await one.isAt("/other");
    assert.ok(one.frames.some(({ text }) => text.includes('"reason":"unauthorized"')));
});

scenario("a patch link that leads to another view is live navigation", async (one) => {
    await one.visits("/more");
    await one.marks();
    await one.click("#wrong");
    await one.sees("#two", 'Page two {"by":"patch"}');
    await one.isSamePage();
    assert.ok(one.frames.some(({ text }) => text.includes('"link_redirect":true')));
});

scenario("a flash goes along with a redirect, and is seen once", async (one) => {
    await one.visits("/more");
    await one.click("#leave");
    await one.sees("#two", 'Page two {"from":"more"}');
    await one.sees("#fl", "good-bye");
    await one.page.reload();
    await one.isLive();
    assert.equal(await one.text("#fl"), "");
});

scenario("the element around a view has the attributes that the view names", async (one) => {
    const main = () => one.page.$eval("[data-phx-main]", (main) => main.classList.contains("more"));
    await one.visits("/more");
    assert.equal(await main(), true);
    await one.click("#go");
    await one.sees("#two", 'Page two {"by":"js"}');
    assert.equal(await main(), false);
    await one.page.goBack();
    await one.page.waitForSelector("#commands");
    assert.equal(await main(), true);
});

// The stock client takes over the attributes of the next view's element, and the tag only with a page load.
scenario("a view whose element has another tag comes into the element that is there, and works", async (one) => {
    const tag = () => one.page.$eval("[data-phx-main]", (main) => main.tagName);
    await one.visits("/two");
    await one.marks();
    await one.page.evaluate(() => window.liveSocket.js().navigate("/nest"));
    await one.click("#outer");
    await one.sees("#outer", "1");
    await one.isSamePage();
    const [, moved] = one.between(0, "<", "phx_reply").filter((reply) => reply[4].response.rendered);
    assert.deepEqual(moved[4].response.container, ["main", { class: "nest" }]);
    assert.equal(await tag(), "DIV");
    await one.visits("/nest");
    assert.equal(await tag(), "MAIN");
});

scenario("replaced addresses leave no step to go back to", async (one) => {
    await one.visits("/two?first=1");
    await one.marks();
    await one.page.evaluate(() => window.liveSocket.js().navigate("/more", { replace: false }));
    await one.page.waitForSelector("#commands");
    await one.page.evaluate(() => window.liveSocket.js().patch("/more?by=replace", { replace: true }));
    await one.sees("#q", '{"by":"replace"}');
    await one.isAt("/more?by=replace");
    await one.page.goBack();
    await one.sees("#two", 'Page two {"first":"1"}');
    await one.isSamePage();
});

module.exports = scenarios;
