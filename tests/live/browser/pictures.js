// Files that are dropped on a page, shown before they are sent, and followed on their way.

"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs/promises");
const os = require("node:os");
const path = require("node:path");
const zlib = require("node:zlib");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

// A part of a PNG: length, name, data, checksum.
function part(name, data) {
    const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
    const whole = Buffer.alloc(body.length + 8);
    whole.writeUInt32BE(data.length, 0);
    body.copy(whole, 4);
    whole.writeUInt32BE(zlib.crc32(body), body.length + 4);
    return whole;
}

// A grey picture of this many pixels (PNG, third edition, section 11: eight bits a pixel, no interlacing).
function png(width, height) {
    const header = Buffer.from([0, 0, 0, width, 0, 0, 0, height, 8, 0, 0, 0, 0]);
    const lines = Buffer.alloc((width + 1) * height, 128);
    for (let line = 0; line < height; line += 1) lines[line * (width + 1)] = 0;
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const parts = [part("IHDR", header), part("IDAT", zlib.deflateSync(lines)), part("IEND", Buffer.alloc(0))];
    return Buffer.concat([signature, ...parts]);
}

// Moves files from outside over an element, as a hand does, and lets go of them if it is said so.
async function drags(one, selector, files, letsGo = true) {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), "roost-drop-"));
    try {
        const paths = [];
        for (const [name, bytes] of Object.entries(files)) {
            paths.push(path.join(folder, name));
            await fs.writeFile(paths.at(-1), bytes);
        }
        const browser = await one.context.newCDPSession(one.page);
        const data = { items: [], files: paths, dragOperationsMask: 1 };
        const drag = async (type, selector) => {
            const { x, y } = await one.page.locator(selector).boundingBox();
            await browser.send("Input.dispatchDragEvent", { type, x: x + 2, y: y + 2, data });
        };
        await drag("dragEnter", selector);
        await drag("dragOver", selector);
        await one.page.waitForSelector("#drop.phx-drop-target-active");
        await (letsGo ? drag("drop", selector) : drag("dragOver", "#keep"));
        await one.page.waitForSelector("#drop:not(.phx-drop-target-active)");
        // The browser reads them when it is asked to.
        if (letsGo) await seesPictures(one, Object.keys(files));
        else await drag("dragCancel", "#keep");
        await browser.detach();
    } finally {
        await fs.rm(folder, { recursive: true });
    }
}

const seesPictures = (one, names) => one.seesAll("#chosen b", names);

// Width, height and kind of address of each picture.
const pictures = (one) =>
    one.page.$$eval("#chosen img", (all) => all.map((img) => [img.naturalWidth, img.naturalHeight, img.src.split(":")[0]]));

async function showsPictures(one, wanted) {
    await one.eventually(`the pictures are ${JSON.stringify(wanted)}`, async () => JSON.stringify(await pictures(one)) === JSON.stringify(wanted));
}

scenario("files that are dropped are chosen and shown before any of them is sent", async (one) => {
    await one.visits("/pictures");
    await drags(one, "#hint", { "wide.png": png(5, 2), "high.png": png(3, 7) });
    await showsPictures(one, [[5, 2, "blob"], [3, 7, "blob"]]);
    assert.equal(one.frames.filter(({ text }) => text.startsWith("binary")).length, 0);
});

scenario("files that are carried away again are not chosen", async (one) => {
    await one.visits("/pictures");
    await drags(one, "#hint", { "wide.png": png(5, 2) }, false);
    await one.page.setInputFiles("#drop input", { name: "other.png", mimeType: "image/png", buffer: png(1, 1) });
    await seesPictures(one, ["other.png"]);
});

const chosen = (name, buffer) => ({ name, mimeType: "image/png", buffer });

scenario("a view follows its files chunk by chunk and keeps what has come", async (one) => {
    await one.visits("/pictures");
    const picture = Buffer.concat([png(4, 4), Buffer.alloc(300)]);
    await one.page.setInputFiles("#drop input", [chosen("slow.png", picture)]);
    await showsPictures(one, [[4, 4, "blob"]]);
    await one.click("#keep");
    await one.sees("#kept", `slow.png ${picture.length}`);
    await one.misses("#chosen li");
    const progress = (await one.texts("#progress li")).map((line) => Number(line.match(/^slow\.png (\d+) %$/)[1]));
    // One for each chunk of a hundred bytes.
    assert.equal(progress.length, Math.ceil(picture.length / 100));
    assert.deepEqual(progress, progress.toSorted((a, b) => a - b));
    assert.equal(progress.at(-1), 100);
});

scenario("a form is not sent while a file of it is wrong, and is when that is taken back", async (one) => {
    await one.visits("/pictures");
    await one.page.setInputFiles("#drop input", [chosen("good.png", png(2, 2)), chosen("bad.txt", Buffer.from("x"))]);
    await seesPictures(one, ["good.png", "bad.txt"]);
    const since = one.frames.length;
    await one.click("#keep");
    // Another event has come and gone: the form was not sent before it.
    await one.pushing(() => one.click("#chosen li:last-child button"));
    await seesPictures(one, ["good.png"]);
    const events = one.between(since, ">", "event").map((frame) => frame[4].event);
    assert.deepEqual(events, ["cancel"]);
    assert.equal(one.frames.filter(({ text }) => text.startsWith("binary")).length, 0);
    await one.click("#keep");
    await one.sees("#kept", `good.png ${png(2, 2).length}`);
});

scenario("more files than may be are told, and sent when there are fewer", async (one) => {
    await one.visits("/pictures");
    await one.page.setInputFiles("#drop input", ["a", "b", "c", "d"].map((name) => chosen(`${name}.png`, png(1, 1))));
    await one.sees("#many", "too many");
    await one.click("#keep");
    await one.pushing(() => one.click("#chosen li:last-child button"));
    await one.misses("#many");
    await one.click("#keep");
    const size = png(1, 1).length;
    await one.sees("#kept", `a.png ${size}, b.png ${size}, c.png ${size}`);
});

module.exports = scenarios;
