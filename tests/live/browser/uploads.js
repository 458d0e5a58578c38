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
    for (const [name, size] of [["one.bin", 70_000], ["two.bin", 130_001], ["least.bin", 1]]) {
        await chooses(one, name, size);
        await one.click("#usave");
        await one.sees("#ures", `saved ${name} ${size}`);
    }
});

scenario("a file without a byte is none for the client: the view hears of no file, and the next one is saved", async (one) => {
    await one.visits("/");
    await one.page.setInputFiles("#uf input[type=file]", file("empty.bin", 0));
    const change = await one.eventually("the view hears of a change", () =>
        one.between(0, ">", "event").find((frame) => frame[4].event === "uv"),
    );
    assert.deepEqual(change[4].uploads, {});
    await one.pushing(() => one.click("#usave"));
    assert.equal(one.between(0, ">", "allow_upload").length, 0);
    assert.equal(await one.text("#ures"), "");
    await chooses(one, "next.bin", 10);
    await one.click("#usave");
    await one.sees("#ures", "saved next.bin 10");
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

// Chooses a file, and does something as soon as some of it is on its way.
async function during(one, name, act) {
    await chooses(one, name, FIVE_MB);
    await one.click("#usave");
    await one.eventually("chunks are on their way", () => one.frames.some(({ text }) => text.startsWith("binary")));
    await act();
}

const joins = (one) => one.between(0, ">", "phx_join").filter((frame) => frame[2].startsWith("lv:")).length;

for (const [what, act] of [
    ["a view that crashes", (one) => one.click("#crash")],
    ["a socket that is cut", (one) => one.ctl("drop")],
]) {
    scenario(`${what} during an upload ends it, and the same page sends the next file`, async (one) => {
        // What the client says of a file that it can't go on with.
        one.expects(/WebSocket connection to/, /Failed to push file progress/);
        await one.visits("/");
        await one.marks();
        await during(one, "lost.bin", () => act(one));
        await one.eventually("the view has joined again", () => joins(one) >= 2);
        await one.isLive();
        assert.equal(await one.text("#ures"), "");
        await chooses(one, "next.bin", 1000);
        await one.click("#usave");
        await one.sees("#ures", "saved next.bin 1000");
        await one.isSamePage();
    });
}

module.exports = scenarios;
