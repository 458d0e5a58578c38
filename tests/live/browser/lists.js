// Keyed lists and streams: what the server says must be what stands in the document, in order, on the same elements.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

const ROUNDS = 150;

// A generator whose numbers a seed repeats (mulberry32).
function dice(seed) {
    return (sides) => {
        seed = (seed + 0x6d2b79f5) | 0;
        let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
    };
}

// One random edit of a keyed list: rows move, come, go, change, and so does what is nested in them.
function edited(items, roll, next) {
    const copy = items.map((item) => ({ ...item, sub: item.sub && [...item.sub] }));
    const at = copy.length ? roll(copy.length) : 0;
    const chosen = copy[at];
    switch (roll(9)) {
        case 0:
            return copy.reverse();
        case 1:
            copy.splice(roll(copy.length + 1), 0, { k: `n${next()}`, v: `v${roll(50)}`, sub: roll(2) ? ["x"] : undefined });
            return copy;
        case 2:
            copy.splice(at, 1);
            return copy;
        case 3:
            if (chosen) chosen.v = `<${roll(1000)}&>`;
            return copy;
        case 4:
            if (chosen) chosen.sub = [...(chosen.sub || []), String(roll(100))];
            return copy;
        case 5:
            if (chosen?.sub) chosen.sub.splice(roll(chosen.sub.length + 1), 1);
            return copy;
        case 6:
            if (chosen) copy.splice(roll(copy.length), 0, ...copy.splice(at, 1));
            return copy;
        case 7:
            return copy.map((one) => [roll(1000), one]).sort(([a], [b]) => a - b).map(([, one]) => one);
        default:
            return roll(8) ? copy : [];
    }
}

// The list as it should stand in the document.
const expected = (items) => items.map(({ k, v, sub = [] }) => ({ id: `li-${k}`, v, text: v, sub: sub.map(String) }));

const found = () =>
    [...document.querySelectorAll("#list > li")].map((row) => {
        const bold = [...row.querySelectorAll("b")];
        const own = [...row.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
        return {
            id: row.id,
            v: row.getAttribute("data-v"),
            text: own.map((node) => node.textContent).join("").trim(),
            sub: bold.map((one) => one.textContent),
        };
    });

async function seesList(one, items) {
    const want = expected(items);
    await one.until(
        `the list is ${JSON.stringify(want)}`,
        ([source, want]) => JSON.stringify(new Function(`return (${source})()`)()) === JSON.stringify(want),
        [found.toString(), want],
        () => one.page.evaluate(found),
    );
}

async function shows(one, items) {
    await one.ctl("list", { items });
    await seesList(one, items);
}

const row = (k, v, sub) => ({ k, v, sub });

scenario("rows that only move are not sent again", async (one) => {
    await one.visits("/");
    const since = one.frames.length;
    await shows(one, [row("c", "C"), row("b", "B"), row("a", "A")]);
    const [diff] = one.between(since, "<", "diff");
    assert.doesNotMatch(JSON.stringify(diff[4]), /"[ABC]"|data-v/);
});

scenario("rows keep their elements when they move", async (one) => {
    await one.visits("/");
    await one.page.evaluate(() => {
        window.ROW = document.querySelector("#li-a");
    });
    await shows(one, [row("c", "C"), row("a", "A"), row("b", "B")]);
    assert.equal(await one.page.evaluate(() => document.querySelector("#li-a") === window.ROW), true);
});

scenario("rows move, change, come and get nested lists in one step", async (one) => {
    await one.visits("/");
    await shows(one, [row("c", "C"), row("b", "B"), row("a", "A")]);
    await shows(one, [row("a", "A2", ["1", "2"]), row("c", "C"), row("x", "X", ["9"]), row("b", "B")]);
});

scenario("a list is emptied and filled again, nested lists grow", async (one) => {
    await one.visits("/");
    await shows(one, []);
    await shows(one, [row("q", "Q"), row("r", "R", ["n"])]);
    await shows(one, [row("q", "Q", ["m"]), row("r", "R", ["n", "o"])]);
    await shows(one, [row("q", "Q", []), row("r", "R", ["o"])]);
});

for (const seed of [1, 2, 3]) {
    scenario(`a list stands in the document as it is after each of ${ROUNDS} random edits (seed ${seed})`, async (one) => {
        await one.visits("/");
        const roll = dice(seed);
        let count = 0;
        let items = [row("a", "A"), row("b", "B"), row("c", "C")];
        for (let round = 0; round < ROUNDS; round += 1) {
            items = edited(items, roll, () => (count += 1));
            await shows(one, items);
        }
        await one.click("#inc");
        await one.sees("#n", "2");
    });
}

const rows = (one) => one.page.$$eval("#rows > tr", (all) => all.map((row) => `${row.id}=${row.textContent.trim()}`));

async function seesRows(one, want) {
    await one.eventually(`rows ${want}`, async () => JSON.stringify(await rows(one)) === JSON.stringify(want)).catch(async (error) => {
        throw new Error(`${error.message}; found ${JSON.stringify(await rows(one))}`);
    });
}

const stream = (one, ops) => one.ctl("stream", { ops });

scenario("a stream puts rows first, last and between", async (one) => {
    await one.visits("/");
    await stream(one, { ins: [{ id: "row-9", v: "nine", at: 0 }] });
    await seesRows(one, ["row-9=nine", "row-1=r1", "row-2=r2", "row-3=r3"]);
    await stream(one, { ins: [{ id: "row-8", v: "eight" }] });
    await seesRows(one, ["row-9=nine", "row-1=r1", "row-2=r2", "row-3=r3", "row-8=eight"]);
    await stream(one, { ins: [{ id: "row-7", v: "seven", at: 2 }] });
    await seesRows(one, ["row-9=nine", "row-1=r1", "row-7=seven", "row-2=r2", "row-3=r3", "row-8=eight"]);
});

scenario("a stream keeps the last rows, or the first, if it has a limit", async (one) => {
    await one.visits("/");
    await stream(one, { ins: [{ id: "row-10", v: "ten", limit: -3 }] });
    await seesRows(one, ["row-2=r2", "row-3=r3", "row-10=ten"]);
    await stream(one, { ins: [{ id: "row-0", v: "zero", at: 0, limit: 2 }] });
    await seesRows(one, ["row-0=zero", "row-2=r2"]);
});

scenario("a stream's rows are changed in their place, deleted, and all replaced", async (one) => {
    await one.visits("/");
    await stream(one, { ins: [{ id: "row-2", v: "TWO" }] });
    await seesRows(one, ["row-1=r1", "row-2=TWO", "row-3=r3"]);
    await stream(one, { del: ["row-1"] });
    await seesRows(one, ["row-2=TWO", "row-3=r3"]);
    await stream(one, { reset: true, ins: [{ id: "row-5", v: "five" }, { id: "row-3", v: "three" }] });
    await seesRows(one, ["row-5=five", "row-3=three"]);
    await stream(one, { reset: true });
    await seesRows(one, []);
    await stream(one, { ins: [{ id: "row-6", v: "six" }] });
    await seesRows(one, ["row-6=six"]);
});

scenario("an update never adds a row", async (one) => {
    await one.visits("/");
    await stream(one, { ins: [{ id: "row-2", v: "two", upd: true }, { id: "row-77", v: "no", upd: true }] });
    await seesRows(one, ["row-1=r1", "row-2=two", "row-3=r3"]);
});

scenario("inserts and deletes travel together", async (one) => {
    await one.visits("/");
    await stream(one, { ins: [{ id: "row-4", v: "four" }, { id: "row-1", v: "one" }], del: ["row-2"] });
    await seesRows(one, ["row-1=one", "row-3=r3", "row-4=four"]);
});

scenario("other changes leave a stream alone", async (one) => {
    await one.visits("/");
    await stream(one, { ins: [{ id: "row-9", v: "nine" }] });
    await one.click("#inc");
    await one.sees("#n", "2");
    await one.ctl("tick");
    await one.sees("#tick", "1");
    await seesRows(one, ["row-1=r1", "row-2=r2", "row-3=r3", "row-9=nine"]);
});

scenario("a stream's row is escaped like everything else", async (one) => {
    await one.visits("/");
    await stream(one, { ins: [{ id: "row-x", v: "<script>window.EVIL=1</script>&amp;" }] });
    await one.sees("#row-x", "<script>window.EVIL=1</script>&amp;");
});

scenario("after the socket was lost a stream shows the rows that the view mounts with", async (one) => {
    await one.visits("/");
    await stream(one, { ins: [{ id: "row-9", v: "nine" }], del: ["row-1"] });
    await seesRows(one, ["row-2=r2", "row-3=r3", "row-9=nine"]);
    one.expects(/WebSocket connection/);
    await one.ctl("drop");
    await seesRows(one, ["row-1=r1", "row-2=r2", "row-3=r3"]);
});

scenario("what is added to a list that the browser keeps stands at its end or beginning, and nothing of the rest is sent", async (one) => {
    await one.visits("/notes");
    await one.seesAll("#log li", ["note 1"]);
    const since = one.frames.length;
    for (const number of [2, 3]) {
        const { diff } = await one.pushing(() => one.click("#add"));
        const sent = JSON.stringify(diff);
        assert.ok(sent.includes(`note ${number}`) && !sent.includes(`note ${number - 1}`), sent);
    }
    await one.seesAll("#log li", ["note 1", "note 2", "note 3"]);
    await one.seesAll("#newest li", ["note 3", "note 2", "note 1"]);
    await one.click("#two");
    await one.seesAll("#log li", ["note 1", "note 2", "note 3", "note 4", "note 5"]);
    await one.seesAll("#newest li", ["note 4", "note 5", "note 3", "note 2", "note 1"]);
    await one.click("#correct");
    await one.seesAll("#log li", ["note 1", "note 2, corrected", "note 3", "note 4", "note 5"]);
    await one.seesAll("#newest li", ["note 4", "note 5", "note 3", "note 2, corrected", "note 1"]);
    await one.click("#look");
    await one.sees("#look", "1");
    await one.seesAll("#log li", ["note 1", "note 2, corrected", "note 3", "note 4", "note 5"]);
    assert.equal(one.between(since, ">", "event").length, 5);
});

scenario("a list that the browser keeps begins anew with its view", async (one) => {
    one.expects(/WebSocket connection to/);
    await one.visits("/notes");
    for (let more = 0; more < 2; more += 1) await one.pushing(() => one.click("#two"));
    await one.seesAll("#newest li", ["note 4", "note 5", "note 2", "note 3", "note 1"]);
    await one.ctl("drop");
    for (const list of ["#log", "#newest"]) await one.seesAll(`${list} li`, ["note 1"]);
    await one.click("#add");
    await one.seesAll("#newest li", ["note 2", "note 1"]);
});

module.exports = scenarios;
