// What the first page has no room for: JS commands, focus, keys of the window, every kind of field, limits of uploads.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

const box = (one) =>
    one.page.$eval("#box", (element) => ({
        classes: [...element.classList].sort(),
        title: element.getAttribute("title"),
        v: element.getAttribute("data-v"),
        done: element.getAttribute("data-done"),
    }));

// Commands may take a frame of the screen to be seen.
async function seesBox(one, wanted) {
    await one.eventually(`the box is ${JSON.stringify(wanted)}`, async () => JSON.stringify(await box(one)) === JSON.stringify(wanted)).catch(
        async (error) => {
            throw new Error(`${error.message}; found ${JSON.stringify(await box(one))}`);
        },
    );
}

// A round trip: what the page did before is done, and the patch that follows has been applied.
async function patched(one) {
    await one.click("#twice");
    await one.until("the view has heard", () => document.querySelector("#heard li:last-child")?.textContent === "second");
}

scenario("commands show and hide, and patches leave it so", async (one) => {
    await one.visits("/more");
    await one.click("#show");
    await one.page.waitForSelector("#box", { state: "visible" });
    await patched(one);
    assert.equal(await one.page.isVisible("#box"), true);
    await one.click("#hide");
    await one.page.waitForSelector("#box", { state: "hidden" });
});

scenario("commands change classes and attributes, and patches leave them so", async (one) => {
    await one.visits("/more");
    await one.click("#classes");
    await one.click("#attrs");
    await patched(one);
    await seesBox(one, { classes: ["a", "b", "on"], title: "x", v: "1", done: null });
    await one.click("#classes");
    await one.click("#attrs");
    await one.click("#unset");
    await seesBox(one, { classes: ["a", "b"], title: null, v: "2", done: null });
});

scenario("a command dispatches an event with its detail, another does what an attribute says", async (one) => {
    await one.visits("/more");
    await one.page.evaluate(() => {
        window.SAID = [];
        document.querySelector("#commands").addEventListener("roost:said", (event) => window.SAID.push(event.detail.n));
    });
    await one.click("#dispatch");
    await one.until("it was said", () => JSON.stringify(window.SAID) === "[7]");
    await one.click("#exec");
    await one.until("it was done", () => document.querySelector("#box").getAttribute("data-done") === "yes");
});

scenario("commands move the focus and bring it back", async (one) => {
    await one.visits("/more");
    const focused = (id) => one.until(`${id} has the focus`, (id) => document.activeElement.id === id, id);
    await one.click("#focus");
    await focused("inside");
    await one.click("#unfocus");
    await focused("focus");
});

scenario("commands navigate and patch", async (one) => {
    await one.visits("/more");
    await one.marks();
    await one.click("#stay");
    await one.sees("#q", '{"by":"js"}');
    await one.isAt("/more?by=js");
    await one.click("#go");
    await one.sees("#two", 'Page two {"by":"js"}');
    await one.isSamePage();
});

scenario("two pushes of one click arrive in order", async (one) => {
    await one.visits("/more");
    await one.click("#twice");
    await one.seesAll("#heard li", ["first", "second"]);
});

scenario("focus, blur, keys of the window and clicks elsewhere are events", async (one) => {
    await one.visits("/more");
    await one.page.focus("#field");
    await one.seesAll("#heard li", ["in"]);
    await one.page.keyboard.press("a");
    await one.page.keyboard.press("Escape");
    await one.seesAll("#heard li", ["in", "up Escape"]);
    await one.page.evaluate(() => document.activeElement.blur());
    await one.seesAll("#heard li", ["in", "up Escape", "out"]);
    await one.click("#q");
    await one.sees("#away", "closed");
});

scenario("a throttled button sends once", async (one) => {
    await one.visits("/more");
    const since = one.frames.length;
    for (let count = 0; count < 4; count += 1) await one.click("#throttled");
    await one.until("the first click was heard", () => document.querySelectorAll("#heard li").length > 0);
    const events = one.between(since, ">", "event").filter((frame) => frame[4].event === "once");
    assert.equal(events.length, 1);
});

scenario("elements do something when they come, when they go, and while the connection is lost", async (one) => {
    one.expects(/WebSocket connection|ERR_/);
    await one.visits("/more");
    await one.until("mounted", () => document.querySelector("#mounted").classList.contains("seen"));
    await one.click("#remove");
    await one.misses("#leaving");
    await one.until("left", () => document.querySelector("#q").classList.contains("left"));
    await one.page.evaluate(() => {
        window.SHOWN = 0;
        const shown = () => (window.SHOWN += document.querySelector("#lost").style.display !== "none");
        new MutationObserver(shown).observe(document.querySelector("#lost"), { attributeFilter: ["style"] });
    });
    await one.page.evaluate(() => window.liveSocket.disconnect());
    await one.until("the loss is shown", () => window.SHOWN > 0);
    await one.page.evaluate(() => window.liveSocket.connect());
    await one.page.waitForSelector("#lost", { state: "hidden" });
});

scenario("every kind of field arrives as what it is", async (one) => {
    await one.visits("/more");
    // All at once: what a view does not keep, its next patch takes back.
    const since = one.frames.length;
    await one.page.evaluate(() => {
        const field = (name) => document.querySelector(`[name="${name}"]`);
        field("on").checked = true;
        document.querySelector("[name=size][value=m]").checked = true;
        field("colour").value = "g";
        for (const option of field("days[]").options) option.selected = option.value !== "tue";
        field("at[from]").value = "2026-11-21";
        field("at[to]").value = "7";
        field("note").value = "two\nlines";
        field("note").dispatchEvent(new InputEvent("input", { bubbles: true }));
    });
    await one.answer(since, (push) => push.type === "form");
    const wanted = {
        on: "yes",
        size: "m",
        colour: "g",
        days: ["mon", "wed"],
        note: "two\nlines",
        // Nobody has touched these by hand.
        at: { _unused_from: "", from: "2026-11-21", _unused_to: "", to: "7" },
    };
    await one.until("the page shows it", () => document.querySelector("#form").textContent !== "");
    const form = JSON.parse(await one.text("#form"));
    const said = Object.entries(form).filter(([name]) => !name.startsWith("_unused_"));
    assert.deepEqual(Object.fromEntries(said), wanted);
});

scenario("a form may be posted in the old way when the view says so", async (one) => {
    // A page that is no live page asks for its icon.
    one.expects(/favicon\.ico/);
    await one.visits("/more");
    await one.click("#send");
    await one.until("the form was posted", () => location.pathname === "/posted");
    assert.equal(await one.text("body"), 'posted {"who":"me"}');
});

const text = (name, size) => ({ name, mimeType: "text/plain", buffer: Buffer.alloc(size, 65) });

scenario("files that are chosen are sent at once, several of them", async (one) => {
    await one.visits("/more");
    await one.page.setInputFiles("#uploads input[type=file]", [text("a.txt", 10), text("b.txt", 900)]);
    await one.seesAll("#files li", ["a.txt 100 ×", "b.txt 100 ×"]);
    await one.click("#keep");
    await one.seesAll("#heard li", ["kept a.txt b.txt"]);
    await one.misses("#files li");
});

scenario("a file that is too large is named and none of it is sent", async (one) => {
    await one.visits("/more");
    await one.page.setInputFiles("#uploads input[type=file]", text("big.txt", 100_000));
    await one.seesAll("#files li", ["big.txt 0 TooLarge×"]);
    assert.equal(one.frames.filter(({ text }) => text.startsWith("binary")).length, 0);
    await one.click("#files button");
    await one.misses("#files li");
    await one.page.setInputFiles("#uploads input[type=file]", text("small.txt", 10));
    await one.seesAll("#files li", ["small.txt 100 ×"]);
});

scenario("a file that is too large does not hold up the one that was chosen with it", async (one) => {
    await one.visits("/more");
    await one.page.setInputFiles("#uploads input[type=file]", [text("small.txt", 10), text("big.txt", 100_000)]);
    await one.seesAll("#files li", ["small.txt 100 ×", "big.txt 0 TooLarge×"]);
    await one.click("#files li:nth-child(2) button");
    await one.seesAll("#files li", ["small.txt 100 ×"]);
    await one.click("#keep");
    await one.seesAll("#heard li", ["kept small.txt"]);
    await one.misses("#files li");
});

module.exports = scenarios;
