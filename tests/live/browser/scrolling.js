// Long lists: the browser has a window of their rows, and pages of them come and go as somebody turns the wheel.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

// As in the program's page.
const ROWS = 3_000;
const PAGE = 150;
const WINDOW = 3 * PAGE;
// Pixels of a turn of the wheel: less than the screen is high, so that no edge goes by unseen.
const TURN = 600;
// Of a hand that rests on the wheel.
const NUDGE = 20;

// Which rows the page has: the first, the last, whether all between stand in order; and the edges that are on the screen.
const look = (one) =>
    one.page.evaluate(() => {
        const rows = [...document.querySelectorAll("#archive > li")];
        const number = (row) => Number(row.id.slice("entry-".length));
        const isOnScreen = (row) => {
            const box = row.getBoundingClientRect();
            return box.bottom > 0 && box.top < window.innerHeight;
        };
        const first = number(rows[0]);
        const whole = rows.every((row, at) => number(row) === first + at && row.textContent === `entry ${first + at}`);
        const edges = { top: isOnScreen(rows[0]), bottom: isOnScreen(rows.at(-1)) };
        return { first, last: number(rows.at(-1)), count: rows.length, whole, edges };
    });

async function rows(one) {
    const { edges, ...rows } = await look(one);
    return rows;
}

// The page has come to rest: its scroll position stays for some frames.
const rests = (one) =>
    one.page.evaluate(
        () =>
            new Promise((resolve) => {
                let [last, frames] = [window.scrollY, 0];
                const next = () => {
                    frames = window.scrollY === last ? frames + 1 : 0;
                    last = window.scrollY;
                    if (frames < 4) requestAnimationFrame(next);
                    else resolve();
                };
                next();
            }),
    );

// Turns the wheel towards an edge and, once that is on the screen, stays there until other rows have come. Whenever one
// looks, the window is whole.
async function turns(one, edge, afterTurn = () => undefined) {
    const way = edge === "top" ? -1 : 1;
    const before = await rows(one);
    let nudge = NUDGE;
    return one.eventually(`rows other than ${JSON.stringify(before)}`, async () => {
        const { edges, ...now } = await look(one);
        assert.equal(now.whole, true, JSON.stringify(now));
        assert.ok(now.count <= WINDOW, `${now.count} rows`);
        if (now.first !== before.first || now.last !== before.last) return now;
        nudge = -nudge;
        await one.page.mouse.wheel(0, edges[edge] ? nudge : way * TURN);
        await afterTurn(one);
        return undefined;
    });
}

const isOnScreen = (row) => {
    const box = document.querySelector(`#entry-${row}`)?.getBoundingClientRect();
    return Boolean(box) && box.bottom > 0 && box.top < window.innerHeight;
};

async function seesOnScreen(one, row) {
    await one.until(`entry ${row} is on the screen`, isOnScreen, row, () => look(one));
}

async function begins(one, path = "/archive") {
    await one.visits(path);
    await one.marks();
    await one.page.mouse.move(200, 200);
    const first = await rows(one);
    assert.deepEqual(first, { first: 1, last: PAGE, count: PAGE, whole: true });
    return first;
}

scenario("thousands of rows go by as one scrolls down and up again, and the page has a few hundred", async (one) => {
    let now = await begins(one);
    while (now.last < ROWS) {
        const { last } = now;
        now = await turns(one, "bottom");
        assert.equal(now.last, last + PAGE);
    }
    assert.deepEqual(now, { first: ROWS - WINDOW + 1, last: ROWS, count: WINDOW, whole: true });
    await one.sees("#there", `${now.first} to ${now.last}`);
    while (now.first > 1) {
        const { first } = now;
        // Faster than the rows come, one would be above them all, and at the beginning.
        now = await turns(one, "top", rests);
        assert.equal(now.first, first - PAGE);
    }
    assert.deepEqual(now, { first: 1, last: WINDOW, count: WINDOW, whole: true });
    await one.sees("#there", `1 to ${WINDOW}`);
    await one.isSamePage();
});

scenario("who scrolls slowly keeps his place when rows come and others go", async (one) => {
    let now = await begins(one);
    while (now.first < 2 * PAGE) {
        const { last } = now;
        now = await turns(one, "bottom", rests);
        await seesOnScreen(one, last);
    }
    while (now.first > PAGE) {
        const { first } = now;
        now = await turns(one, "top", rests);
        await seesOnScreen(one, first);
    }
});

scenario("who leaps above all rows is at the beginning", async (one) => {
    let now = await begins(one);
    while (now.first === 1) now = await turns(one, "bottom");
    const since = one.frames.length;
    await one.page.evaluate(() => window.scrollTo({ top: 0, behavior: "instant" }));
    await one.sees("#there", `1 to ${PAGE}`);
    const [event] = one.between(since, ">", "event").map((frame) => frame[4]);
    assert.deepEqual([event.event, event.value], ["earlier", { id: `entry-${now.first}`, _overran: true }]);
    assert.deepEqual(await rows(one), { first: 1, last: PAGE, count: PAGE, whole: true });
});

// What the view was told as somebody scrolled up.
const toldAbove = (one, since) =>
    one
        .between(since, ">", "event")
        .filter(({ 4: { event } }) => event === "earlier")
        .map(({ 4: { value } }) => value._overran === true);

scenario("who scrolls up within a frame is above all rows where the frame that the list names says so", async (one) => {
    let now = await begins(one, "/archive?frame=1");
    while (now.first < 2 * PAGE) now = await turns(one, "bottom", rests);
    const since = one.frames.length;
    const { first } = now;
    now = await turns(one, "top", rests);
    assert.equal(now.first, first - PAGE);
    assert.deepEqual(new Set(toldAbove(one, since)), new Set([false]), "the first row is no end of the frame");
    assert.ok(now.first > 1);
    const before = one.frames.length;
    await one.page.evaluate(() => window.scrollTo({ top: 0, behavior: "instant" }));
    await one.sees("#there", `1 to ${PAGE}`);
    assert.equal(toldAbove(one, before)[0], true);
});

scenario("a window that was scrolled begins anew when the connection was lost, and goes on from there", async (one) => {
    one.expects(/WebSocket connection|ERR_/);
    let now = await begins(one);
    while (now.first === 1) now = await turns(one, "bottom");
    await one.ctl("drop");
    await one.sees("#there", `1 to ${PAGE}`);
    now = await rows(one);
    assert.deepEqual(now, { first: 1, last: PAGE, count: PAGE, whole: true });
    now = await turns(one, "bottom");
    assert.equal(now.last, 2 * PAGE);
    await one.isSamePage();
});

module.exports = scenarios;
