// Views within a view and within the layout: each lives by itself.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("../browser/scenario.js");
const { scenarios, scenario } = collect();

const live = (one, id) => one.page.waitForSelector(`#${id}.phx-connected`);

scenario("a view within another has its own state and its own events", async (one) => {
    await one.visits("/");
    await live(one, "lamp");
    await one.sees("#lamp-click", "10");
    await one.click("#lamp-click");
    await one.sees("#lamp-click", "11");
    await one.click("#up");
    await one.sees("#up", "1");
    await one.sees("#lamp-click", "11");
});

scenario("a view within another crashes and comes back alone", async (one) => {
    await one.visits("/");
    await live(one, "lamp");
    await one.click("#up");
    await one.sees("#up", "1");
    await one.click("#lamp-click");
    await one.sees("#lamp-click", "11");
    await one.click("#lamp-boom");
    await one.sees("#lamp-click", "10");
    await one.sees("#up", "1");
});

scenario("a view whose parent crashes comes back with it", async (one) => {
    await one.visits("/");
    await live(one, "lamp");
    await one.click("#lamp-click");
    await one.sees("#lamp-click", "11");
    await one.click("#boom");
    await one.sees("#lamp-click", "10");
    await one.click("#up");
    await one.sees("#up", "1");
    await one.click("#lamp-click");
    await one.sees("#lamp-click", "11");
});

scenario("a view beside the main one stays while the page goes elsewhere", async (one) => {
    await one.visits("/");
    await live(one, "beside");
    await one.marks();
    await one.click("#beside-click");
    await one.sees("#beside-click", "1001");
    await one.click("#go");
    await one.sees("#other", "other");
    await one.click("#beside-click");
    await one.sees("#beside-click", "1002");
    await one.isSamePage();
});

scenario("a sticky view keeps its state while the page goes elsewhere and back", async (one) => {
    await one.visits("/");
    await live(one, "sticky");
    await one.marks();
    await one.click("#sticky-click");
    await one.sees("#sticky-click", "101");
    await one.click("#go");
    await one.sees("#other", "other");
    await one.isAt("/other");
    await one.sees("#sticky-click", "101");
    await one.click("#sticky-click");
    await one.sees("#sticky-click", "102");
    await one.click("#back");
    await one.sees("#up", "0");
    await one.sees("#sticky-click", "102");
    await live(one, "lamp");
    await one.click("#lamp-click");
    await one.sees("#lamp-click", "11");
    await one.isSamePage();
});

scenario("a file that is too large is refused before it is sent", async (one) => {
    await one.visits("/");
    await one.marks();
    const data = await one.page.evaluateHandle(() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Blob([new Uint8Array(100_000_001)])], "big.bin"));
        return transfer.files;
    });
    await one.page.$eval("#uf input", (input, files) => {
        input.files = files;
        input.dispatchEvent(new Event("input", { bubbles: true }));
    }, data);
    await one.until("the view knows of it", () => document.querySelector("#uf input").dataset.phxActiveRefs === "0");
    const since = one.frames.length;
    await one.page.$eval("#uf", (form) => form.requestSubmit());
    await one.click("#up");
    await one.sees("#up", "1");
    // The field says that the file is wrong: the form is not sent, and nobody asks whether the file may be.
    assert.deepEqual(one.between(since, ">", "allow_upload"), []);
    assert.deepEqual(one.between(since, ">", "event").map((frame) => frame[4].type), ["click"]);
    await one.isSamePage();
});

module.exports = scenarios;
