// A dialog that stands elsewhere in the document and keeps the focus, and a hook whose script is a part of the page.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

const focused = (one, id) =>
    one.until(`${id} has the focus`, (id) => document.activeElement.id === id, id, () =>
        one.page.evaluate(() => document.activeElement.outerHTML),
    );

async function opens(one) {
    await one.click("#open");
    await one.page.waitForSelector("#dialog", { state: "visible" });
    await focused(one, "name");
}

const isClosed = (one) => one.page.waitForSelector("#dialog", { state: "hidden" });

// Where the content of the portal is: the element around it, and whether that is in the view.
const place = (one) =>
    one.page.$eval("#over-content", (content) => [
        content.parentElement.localName,
        content.closest("[data-phx-main]") !== null,
    ]);

scenario("a portal's content stands at the end of the document and belongs to its view", async (one) => {
    await one.visits("/dialog");
    assert.deepEqual(await place(one), ["body", false]);
    await opens(one);
    await one.types("#name", "valve");
    await one.sees("#checked", "valve");
    assert.deepEqual(await place(one), ["body", false]);
    await one.click("#ok");
    await one.sees("#saved", "valve");
    await isClosed(one);
});

scenario("the key Tab goes round in a dialog, and whoever opened it has the focus again", async (one) => {
    await one.visits("/dialog");
    await opens(one);
    for (const id of ["ok", "cancel", "name", "ok"]) {
        await one.page.keyboard.press("Tab");
        await focused(one, id);
    }
    for (const id of ["name", "cancel", "ok"]) {
        await one.page.keyboard.press("Shift+Tab");
        await focused(one, id);
    }
    await one.page.keyboard.press("Escape");
    await isClosed(one);
    await focused(one, "open");
});

scenario("a click beside a dialog closes it, one in it does not", async (one) => {
    await one.visits("/dialog");
    await opens(one);
    await one.click("#name");
    // Whatever the click would do is done when the next answer has come.
    await one.types("#name", "fan");
    assert.equal(await one.page.isVisible("#dialog"), true);
    await one.click("#checked");
    await isClosed(one);
});

scenario("what was typed in a dialog is there again after the connection was lost", async (one) => {
    one.expects(/WebSocket connection|ERR_/);
    await one.visits("/dialog");
    await one.marks();
    await opens(one);
    await one.types("#name", "boiler");
    await one.ctl("drop");
    await one.eventually("it has joined again", () => one.between(0, ">", "phx_join").length === 2);
    await one.isLive();
    await one.sees("#checked", "boiler");
    assert.equal(await one.value("#name"), "boiler");
    assert.deepEqual(await place(one), ["body", false]);
    await one.click("#ok");
    await one.sees("#saved", "boiler");
    await one.isSamePage();
});

scenario("a portal that is gone, or whose view is, leaves nothing behind", async (one) => {
    await one.visits("/dialog");
    await one.click("#remove");
    await one.misses("#over-content");
    await one.visits("/dialog");
    await one.marks();
    assert.deepEqual(await place(one), ["body", false]);
    await one.click("#leave");
    await one.sees("#two", "Page two {}");
    await one.misses("#over-content");
    await one.isSamePage();
});

const length = (one, letters) =>
    one.until(`it has ${letters} letters`, (title) => document.querySelector("#length")?.title === title, `${letters} letters`);

scenario("a hook whose script stands in the page is at work, also when one comes from another page", async (one) => {
    await one.visits("/dialog");
    await length(one, 4);
    await opens(one);
    await one.types("#name", "valve");
    await length(one, 5);
    await one.visits("/two");
    await one.marks();
    await one.page.evaluate(() => window.liveSocket.js().navigate("/dialog"));
    await length(one, 4);
    await one.isSamePage();
});

module.exports = scenarios;
