// Files for which a site has no room: it has room for 100,000 bytes.

"use strict";

const { collect } = require("../browser/scenario.js");
const { scenarios, scenario } = collect();

const file = (name, size) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.alloc(size, 7) });
const choose = (one, ...files) => one.page.setInputFiles("#uf input[type=file]", files);

scenario("of two files that fit only one at a time the second is said to have no room, and is sent later", async (one) => {
    await one.visits("/files");
    await choose(one, file("a.bin", 60_000), file("b.bin", 60_000));
    // Either may be the first.
    await one.until("one is here, one has no room", () => {
        const states = [...document.querySelectorAll(".state")].map((state) => state.textContent);
        return states.sort().join() === "100 %,no_room";
    });
    await one.page.click("li:has-text('no_room') .back");
    await one.until("one is left", () => document.querySelectorAll(".state").length === 1);
    await one.click("#keep");
    await one.misses(".state");
    await choose(one, file("c.bin", 60_000));
    await one.seesAll(".state", ["100 %"]);
});

scenario("a file that would never fit is said to have no room before it is sent", async (one) => {
    await one.visits("/files");
    await choose(one, file("big.bin", 200_000));
    await one.seesAll(".state", ["no_room"]);
    await one.click(".back");
    await one.misses(".state");
});

module.exports = scenarios;
