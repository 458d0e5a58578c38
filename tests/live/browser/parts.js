// Parts of a page with a life of their own: components and hooks.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

scenario("a component has its own events and its own state", async (one) => {
    await one.visits("/");
    const before = one.frames.length;
    await one.click("#comp-1 .cbtn");
    await one.until("the component counts", () => document.querySelector("#comp-1").textContent.includes("comp n=1"));
    const [event] = one.between(before, ">", "event");
    assert.equal(event[4].cid, 1);
    assert.equal(await one.text("#n"), "0");
});

scenario("only the component is sent when only the component has changed", async (one) => {
    await one.visits("/");
    const { diff } = await one.pushing(() => one.click("#comp-1 .cbtn"));
    assert.deepEqual(Object.keys(diff), ["c"]);
    assert.equal(JSON.stringify(diff.c).includes("comp n="), false, JSON.stringify(diff));
});

const says = (one, id, text) =>
    one.until(`${id} says ${text}`, ([id, text]) => document.querySelector(id)?.textContent.includes(text), [id, text]);

scenario("a component comes beside the others, which keep their state", async (one) => {
    await one.visits("/");
    await one.click("#comp-1 .cbtn");
    await says(one, "#comp-1", "comp n=1");
    await one.ctl("comp", { add: "2" });
    await says(one, "#comp-2", "comp n=0");
    await one.click("#comp-2 .cbtn");
    await one.click("#comp-2 .cbtn");
    await says(one, "#comp-2", "comp n=2");
    await says(one, "#comp-1", "comp n=1");
});

scenario("a component that goes is given up by both sides, and comes back as new", async (one) => {
    await one.visits("/");
    await one.click("#comp-1 .cbtn");
    await says(one, "#comp-1", "comp n=1");
    const since = one.frames.length;
    await one.ctl("comp", { show: "0" });
    await one.misses("#comp-1");
    const destroyed = await one.eventually("both handshakes are answered", () => {
        const pushes = ["cids_will_destroy", "cids_destroyed"].map((event) => one.between(since, ">", event)[0]);
        const replies = pushes.map((push) => push && one.between(since, "<", "phx_reply").find((reply) => reply[1] === push[1]));
        return replies.every(Boolean) && replies.map((reply) => reply[4]);
    });
    assert.deepEqual(destroyed, [
        { status: "ok", response: {} },
        { status: "ok", response: { cids: [1] } },
    ]);
    await one.ctl("comp", { show: "1" });
    await says(one, "#comp-1", "comp n=0");
    await one.click("#comp-1 .cbtn");
    await says(one, "#comp-1", "comp n=1");
    assert.equal(one.between(since, ">", "event").at(-1)[4].cid > 1, true, "a number is never used again");
});

scenario("a component that goes and comes at once still answers", async (one) => {
    await one.visits("/");
    for (let round = 0; round < 5; round += 1) {
        await Promise.all([one.ctl("comp", { show: "0" }), one.ctl("comp", { show: "1" })]);
    }
    await one.ctl("comp", { show: "1" });
    await says(one, "#comp-1", "comp n=");
    await one.click("#comp-1 .cbtn");
    await one.until("it counts", () => /comp n=[1-9]/.test(document.querySelector("#comp-1")?.textContent));
});

scenario("a hook mounts, pushes an event and hears the reply", async (one) => {
    await one.visits("/");
    await one.eventually("the hook has its answer", async () => (await one.hookLog()).some((line) => line.startsWith("reply ")));
    const log = await one.hookLog();
    assert.equal(log[0], "mounted");
    const reply = JSON.parse(log.find((line) => line.startsWith("reply ")).slice("reply ".length));
    assert.deepEqual(reply, { got: { x: 1 }, pong: 1 });
});

scenario("a hook sees data change on an element that patches leave alone", async (one) => {
    await one.visits("/");
    await one.page.evaluate(() => (document.querySelector("#chart").innerHTML = "<i>drawn</i>"));
    await one.click("#inc");
    await one.hookLogHas("updated 2");
    assert.equal(await one.page.$eval("#chart", (chart) => `${chart.dataset.points} ${chart.textContent}`), "2 drawn");
});

scenario("a hook hears events of the server, in order", async (one) => {
    await one.visits("/");
    for (let count = 0; count < 5; count += 1) await one.ctl("tick");
    await one.hookLogHas("pt5");
    assert.deepEqual((await one.hookLog()).filter((line) => line.startsWith("pt")), ["pt1", "pt2", "pt3", "pt4", "pt5"]);
});

module.exports = scenarios;
