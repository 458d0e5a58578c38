// Texts in which every line counts.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("../browser/scenario.js");
const { scenarios, scenario } = collect();

const TEXT = "\nsecond line";

const written = (one) =>
    one.page.evaluate(() => [document.querySelector("#text").value, document.querySelector("#pre").textContent]);

scenario("a text keeps the line break that it begins with, in a page that was loaded", async (one) => {
    await one.page.route("**/app.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    await one.page.goto(`${one.base}/other`);
    assert.deepEqual(await written(one), [TEXT, TEXT]);
});

scenario("a text keeps the line break that it begins with, in a page that has joined", async (one) => {
    await one.visits("/other");
    assert.deepEqual(await written(one), [TEXT, TEXT]);
});

scenario("a text keeps the line break that it begins with, in a page that another has become", async (one) => {
    await one.visits("/");
    await one.marks();
    await one.click("#go");
    await one.sees("#other", "other");
    assert.deepEqual(await written(one), [TEXT, TEXT]);
    await one.isSamePage();
});

module.exports = scenarios;
