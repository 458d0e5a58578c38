// Sockets with a token, sockets that are watched, and sockets that a page of others would like.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

scenario("a token travels as a subprotocol, and the socket is accepted", async (one) => {
    await one.ctl("frames", { clear: "1" });
    await one.visits("/?auth=1");
    await one.click("#inc");
    await one.sees("#n", "2");
    const sockets = (await one.ctl("frames")).filter(([kind]) => kind === "ws").map(([, about]) => about);
    assert.equal(sockets.length, 1);
    assert.match(JSON.stringify(sockets[0][1]), /base64url\.bearer\.phx\./);
});

scenario("the program tells what went over its sockets", async (one) => {
    await one.ctl("frames", { clear: "1" });
    await one.visits("/");
    await one.pushing(() => one.click("#inc"));
    const frames = await one.ctl("frames");
    const [, [url, , origin, cookie]] = frames.find(([kind]) => kind === "ws");
    assert.match(url, /\/live\/websocket\?.*_csrf_token=.*vsn=2\.0\.0/);
    assert.equal(origin, one.base);
    assert.ok(cookie.length > 0, "the session's cookie came along");
    const click = frames.find(([way, frame]) => way === ">" && frame[3] === "event" && frame[4].event === "inc");
    assert.ok(frames.some(([way, frame]) => way === "<" && frame[1] === click[1][1] && frame[3] === "phx_reply"));
});

scenario("the program tells what was said in bytes, taken apart", async (one) => {
    await one.ctl("frames", { clear: "1" });
    await one.visits("/");
    const buffer = Buffer.alloc(100, 7);
    await one.page.setInputFiles("#uf input[type=file]", { name: "fw.bin", mimeType: "application/octet-stream", buffer });
    await one.until("the view knows of the file", () => document.querySelector("#uf input[type=file]").dataset.phxActiveRefs === "0");
    await one.click("#usave");
    await one.sees("#ures", "saved fw.bin 100");
    const frames = await one.ctl("frames");
    const [, join] = frames.find(([way, frame]) => way === ">" && frame[2] === "lvu:0" && frame[3] === "phx_join");
    const [, chunk] = frames.find(([way, frame]) => way === ">" && frame[3] === "chunk");
    assert.deepEqual([chunk[0], chunk[2], chunk[4]], [join[1], "lvu:0", { base64: buffer.toString("base64") }]);
});

scenario("a page of another origin gets no socket", async (one, visitor) => {
    await one.visits("/");
    const other = await visitor();
    other.expects(/WebSocket connection to .* failed: .*Unexpected response code: 403/);
    const port = await one.page.evaluate(() => location.port);
    const open = (page) =>
        page.evaluate(
            (port) =>
                new Promise((resolve) => {
                    const socket = new WebSocket(`ws://127.0.0.1:${port}/live/websocket?vsn=2.0.0`);
                    socket.onopen = () => resolve("opened");
                    socket.onerror = () => resolve("refused");
                }),
            port,
        );
    // The same server under another name is another origin for a browser.
    await other.page.route("http://elsewhere.test/", (route) => route.fulfill({ contentType: "text/html", body: "<p>elsewhere" }));
    await other.page.goto("http://elsewhere.test/");
    assert.equal(await open(one.page), "opened", "the same from a page of its own");
    assert.equal(await open(other.page), "refused");
    await other.eventually("with a status that says why", () => other.console.some((text) => /Unexpected response code: 403/.test(text)));
});

module.exports = scenarios;
