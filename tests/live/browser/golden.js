// The same steps as a real Phoenix LiveView 1.2.10 was taken through with the same page: ours sends no more than it did.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

const list = (...items) => (one) => one.ctl("list", { items });
const row = (k, v, ...sub) => ({ k, v, sub });
const stream = (ops) => (one) => one.ctl("stream", { ops });
const name = (text) => (one) => one.page.fill("#name", text);
const click = (selector) => (one) => one.page.click(selector);

// What Phoenix answered: the diff of the reply or of the push. Row ids are one letter longer there, once each.
const STEPS = [
    ["a click", click("#inc"), { 1: "2", 9: ' data-points="2"' }],
    ["a message", (one) => one.ctl("tick"), { 2: "1", e: [["pt", { y: 1 }]], t: "tick 1" }],
    ["a change", name("ab"), { 4: ' value="ab"', 5: "too short", 6: "[&quot;user&quot;, &quot;name&quot;]" }],
    ["a second change", name("Jane"), { 4: ' value="Jane"', 5: "" }],
    [
        "a submit",
        click("#save"),
        {
            0: { 0: "saved Jane go", s: 0 },
            4: ' value=""',
            p: { 0: ['<p id="fl" phx-click="lv:clear-flash" phx-value-key="info">', "</p>"] },
        },
    ],
    ["a flash that goes", click("#fl"), { 0: "" }],
    [
        "rows in reverse",
        list(row("c", "C"), row("b", "B"), row("a", "A")),
        { 7: { k: { 0: 2, 2: 0, km: true, kc: 3 } } },
    ],
    [
        "rows that move, change, come and nest",
        list(row("a", "A2", "1", "2"), row("c", "C"), row("x", "X", "9"), row("b", "B")),
        {
            7: {
                k: {
                    0: [2, { 1: ' data-v="A2"', 2: "A2", 3: { k: { 0: { 0: "1" }, 1: { 0: "2" }, kc: 2 }, s: 0 } }],
                    1: 0,
                    2: { 0: "x", 1: ' data-v="X"', 2: "X", 3: { k: { 0: { 0: "9" }, kc: 1 }, s: 0 } },
                    3: 1,
                    km: true,
                    kc: 4,
                },
            },
            p: { 0: ["<b>", "</b>"] },
        },
    ],
    ["a list that empties", list(), { 7: { k: { kc: 0 } } }],
    [
        "a list that fills",
        list(row("q", "Q"), row("r", "R", "n")),
        {
            7: {
                k: {
                    0: { 0: "q", 1: ' data-v="Q"', 2: "Q", 3: "" },
                    1: { 0: "r", 1: ' data-v="R"', 2: "R", 3: { k: { 0: { 0: "n" }, kc: 1 }, s: 0 } },
                    kc: 2,
                },
            },
            p: { 0: ["<b>", "</b>"] },
        },
    ],
    [
        "nested lists that grow",
        list(row("q", "Q", "m"), row("r", "R", "n", "o")),
        {
            7: {
                k: {
                    0: { 3: { k: { 0: { 0: "m" }, kc: 1 }, s: 0 } },
                    1: { 3: { k: { 1: { 0: "o" }, kc: 2 } } },
                    kc: 2,
                },
            },
            p: { 0: ["<b>", "</b>"] },
        },
    ],
    [
        "a row that comes first in a stream",
        stream({ ins: [{ id: "row-9", v: "nine", at: 0 }] }),
        { 8: { stream: ["0", [["rows-9", 0, null, false]], []], k: { 0: { 0: ' id="rows-9"', 1: "nine" }, kc: 1 } } },
    ],
    [
        "a row that pushes others out",
        stream({ ins: [{ id: "row-10", v: "ten", limit: -3 }] }),
        { 8: { stream: ["0", [["rows-10", -1, -3, false]], []], k: { 0: { 0: ' id="rows-10"', 1: "ten" }, kc: 1 } } },
    ],
    ["a row that goes", stream({ del: ["row-10"] }), { 8: { stream: ["0", [], ["rows-10"]], k: { kc: 0 } } }],
    [
        "a row that is updated",
        stream({ ins: [{ id: "row-2", v: "TWO", upd: true }] }),
        { 8: { stream: ["0", [["rows-2", -1, null, true]], []], k: { 0: { 0: ' id="rows-2"', 1: "TWO" }, kc: 1 } } },
    ],
    [
        "a stream that is replaced",
        stream({ reset: true, ins: [{ id: "row-5", v: "five" }] }),
        {
            8: {
                stream: ["0", [["rows-5", -1, null, false]], [], true],
                k: { 0: { 0: ' id="rows-5"', 1: "five" }, kc: 1 },
            },
        },
    ],
    ["a component that counts", click("#comp-1 .cbtn"), { c: { 1: { 1: "1" } } }],
    // There it stood alone, `{"12":""}`; here components are a list.
    ["a component that goes", (one) => one.ctl("comp", { show: "0" }), { 12: { k: { kc: 0 } } }],
    [
        "a component that comes",
        (one) => one.ctl("comp", { show: "1" }),
        {
            12: { 0: 2, s: 0 },
            c: {
                2: {
                    0: "one",
                    1: "0",
                    2: ' phx-target="2"',
                    s: [
                        '<div class="comp" id="comp-',
                        '">comp n=',
                        '<button class="cbtn" phx-click="cinc"',
                        ">c+</button></div>",
                    ],
                    r: 1,
                },
            },
            p: { 0: ["", ""] },
        },
    ],
    ["a patch", click("#patch"), { 14: "%{&quot;tab&quot; =&gt; &quot;x&quot;}" }],
];

// The next diff that the view sends, in a reply or by itself.
function diffSince(one, since) {
    for (const { way, frame } of one.frames.slice(since)) {
        if (way !== "<" || !frame) continue;
        if (frame[3] === "diff") return frame[4];
        if (frame[3] === "phx_reply" && frame[4].response.diff) return frame[4].response.diff;
    }
    return undefined;
}

scenario("no diff is bigger than what Phoenix sends for the same step", async (one) => {
    await one.visits("/");
    await one.eventually("the hook is answered", async () => (await one.hookLog()).some((line) => line.startsWith("reply")));
    const bigger = [];
    for (const [step, act, golden] of STEPS) {
        const since = one.frames.length;
        await act(one);
        const diff = await one.eventually(step, () => diffSince(one, since));
        const [ours, theirs] = [diff, golden].map((one) => JSON.stringify(one));
        if (ours.length > theirs.length) bigger.push(`${step}: ${ours.length} > ${theirs.length}\n  ${ours}\n  ${theirs}`);
        await one.until("nothing is on its way", () => !document.querySelector("[data-phx-ref-src]"));
    }
    assert.deepEqual(bigger, []);
});

// From the golden frames: 3,333 characters of the whole join reply there, with names of elements and texts as here.
scenario("the whole page takes no more than it does there", async (one) => {
    await one.visits("/");
    const [reply] = one.between(0, "<", "phx_reply");
    const size = JSON.stringify(reply[4].response.rendered).length;
    assert.ok(size <= 3333, `${size} bytes`);
});

scenario("a nothing is a nothing there, too", async (one) => {
    await one.visits("/");
    assert.deepEqual(await one.pushing(() => one.click("#noop")), {});
});

module.exports = scenarios;
