// Several files at once, sent as soon as they are chosen.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("../browser/scenario.js");
const { scenarios, scenario } = collect();

const file = (name, size) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.alloc(size, 7) });
const choose = (one, ...files) => one.page.setInputFiles("#uf input[type=file]", files);

// A file that is on its way for a while, made in the page. `then` is done there as soon as a part of it is here.
async function chooseBig(one, then) {
    await one.page.$eval("#uf input[type=file]", (input, then) => {
        const look = () => {
            const state = document.querySelector(".state")?.textContent;
            if (window.PART || !state || ["0 %", "100 %"].includes(state)) return;
            window.PART = state;
            document.querySelector(then)?.click();
        };
        new MutationObserver(look).observe(document.body, { childList: true, characterData: true, subtree: true });
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Blob([new Uint8Array(19_000_000)])], "big.bin"));
        input.files = transfer.files;
        input.dispatchEvent(new Event("input", { bubbles: true }));
    }, then);
    await one.until("a part of it is here", () => window.PART);
}

// How many files lie at the server.
const lying = async (one) => Number(await (await fetch(`${one.base}/lying`)).text());

scenario("files are sent as soon as they are chosen, and kept together", async (one) => {
    await one.visits("/files");
    await choose(one, file("a.bin", 200_000), file("b.bin", 64_000), file("c.bin", 1));
    await one.seesAll(".state", ["100 %", "100 %", "100 %"]);
    await one.click("#keep");
    await one.sees("#kept", "a.bin 200000, b.bin 64000, c.bin 1");
    await one.misses(".state");
});

scenario("a file is taken back before it is kept, and another is sent", async (one) => {
    await one.visits("/files");
    await choose(one, file("a.bin", 1_000), file("b.bin", 2_000));
    await one.seesAll(".state", ["100 %", "100 %"]);
    await one.click("#entry-0 .back");
    await one.seesAll(".name", ["b.bin"]);
    await choose(one, file("d.bin", 3_000));
    await one.seesAll(".name", ["b.bin", "d.bin"]);
    await one.seesAll(".state", ["100 %", "100 %"]);
    await one.click("#keep");
    await one.sees("#kept", "b.bin 2000, d.bin 3000");
});

scenario("a file is taken back while it is sent", async (one) => {
    await one.visits("/files");
    await chooseBig(one, ".back");
    await one.misses(".state");
    await one.eventually("its part is gone", async () => (await lying(one)) === 0);
    await choose(one, file("after.bin", 5_000));
    await one.seesAll(".state", ["100 %"]);
    await one.click("#keep");
    await one.sees("#kept", "after.bin 5000");
});

scenario("a file of another kind is refused and the others are sent when it is taken back", async (one) => {
    await one.visits("/files");
    await choose(one, file("a.exe", 1_000), file("b.bin", 1_000));
    await one.seesAll(".name", ["a.exe", "b.bin"]);
    await one.until("it is refused", () => document.querySelector("#entry-0 .state").textContent === "not_accepted");
    await one.click("#entry-0 .back");
    await one.seesAll(".name", ["b.bin"]);
    await choose(one, file("c.bin", 1_000));
    await one.seesAll(".name", ["b.bin", "c.bin"]);
    await one.seesAll(".state", ["100 %", "100 %"]);
    await one.click("#keep");
    await one.sees("#kept", "b.bin 1000, c.bin 1000");
});

scenario("more files than may be are not sent: as many as may be are, and the next when one is taken back", async (one) => {
    await one.visits("/files");
    await choose(one, ...["a", "b", "c", "d"].map((name) => file(`${name}.bin`, 1_000)));
    await one.seesAll(".name", ["a.bin", "b.bin", "c.bin", "d.bin"]);
    await one.eventually("it was refused", () =>
        one.frames.some(({ way, text }) => way === "<" && text.includes("too_many_files")),
    );
    await one.seesAll(".state", ["100 %", "100 %", "100 %", "0 %"]);
    // The client does not send the form while a file is too many.
    await one.click("#keep");
    await one.click("#entry-0 .back");
    await one.seesAll(".name", ["b.bin", "c.bin", "d.bin"]);
    assert.equal(await one.text("#kept"), "");
    await one.click("#keep");
    await one.sees("#kept", "b.bin 1000, c.bin 1000, d.bin 1000");
    await one.misses(".state");
});

scenario("a page that is left in the middle of an upload takes its files with it", async (one) => {
    await one.visits("/files");
    await chooseBig(one, "#none");
    await one.eventually("it lies there, and nobody else's", async () => (await lying(one)) === 1);
    await one.visits("/other");
    await one.eventually("it is gone", async () => (await lying(one)) === 0);
    assert.equal(await one.text("#other"), "other");
});

module.exports = scenarios;
