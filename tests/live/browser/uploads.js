// Files: chosen, sent in chunks over either transport, saved, refused.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

const FIVE_MB = 5_000_000;

const file = (name, size) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.alloc(size, 7) });

// Chooses a file and waits until the view knows of it.
async function chooses(one, name, size) {
    await one.page.setInputFiles("#uf input[type=file]", file(name, size));
    await one.until(
        "the view knows of the file",
        () => document.querySelector("#uf input[type=file]").getAttribute("data-phx-active-refs") !== "",
    );
}

scenario("a small file is saved with its name and its size", async (one) => {
    await one.visits("/");
    await chooses(one, "fw.bin", 100);
    await one.click("#usave");
    await one.sees("#ures", "saved fw.bin 100");
});

scenario("a file of 5 MB is saved, and its progress is seen", async (one) => {
    await one.visits("/");
    await one.page.evaluate(() => {
        window.PROGRESS = [];
        const shown = document.querySelector("#prog");
        const look = () => window.PROGRESS.push(shown.textContent.trim());
        new MutationObserver(look).observe(shown, { childList: true, characterData: true, subtree: true });
    });
    await chooses(one, "big.bin", FIVE_MB);
    await one.click("#usave");
    await one.sees("#ures", `saved big.bin ${FIVE_MB}`);
    const seen = new Set(await one.page.evaluate(() => window.PROGRESS));
    assert.ok(seen.size > 10, `progress: ${[...seen]}`);
});

scenario("a file of 5 MB is saved over long poll", async (one) => {
    await one.visits("/?lp=1");
    await chooses(one, "poll.bin", FIVE_MB);
    await one.click("#usave");
    await one.sees("#ures", `saved poll.bin ${FIVE_MB}`);
    assert.equal(one.frames.length, 0, "no WebSocket was opened");
});

scenario("one file after another", async (one) => {
    await one.visits("/");
    for (const [name, size] of [["one.bin", 70_000], ["two.bin", 130_001], ["empty.bin", 1]]) {
        await chooses(one, name, size);
        await one.click("#usave");
        await one.sees("#ures", `saved ${name} ${size}`);
    }
});

scenario("the page goes on working during an upload", async (one) => {
    await one.visits("/");
    await chooses(one, "busy.bin", FIVE_MB);
    await one.click("#usave");
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.ctl("tick");
    await one.sees("#tick", "1");
    await one.sees("#ures", `saved busy.bin ${FIVE_MB}`);
});

scenario("a view that crashes during an upload takes the next one", async (one) => {
    one.expects(/./);
    await one.visits("/");
    await chooses(one, "lost.bin", FIVE_MB);
    await one.click("#usave");
    await one.click("#crash");
    await one.eventually("the view has joined again", () => one.between(0, ">", "phx_join").filter((f) => f[2].startsWith("lv:")).length >= 2);
    await one.isLive();
    await one.page.reload();
    await one.isLive();
    await chooses(one, "next.bin", 1000);
    await one.click("#usave");
    await one.sees("#ures", "saved next.bin 1000");
});

module.exports = scenarios;
