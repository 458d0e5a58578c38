// What the browser does by itself: transitions, attributes that it keeps, commands for other elements, the focus.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

// Writes down every change of the card's classes, the events about its being shown, and the number's changes.
async function watches(one) {
    await one.page.evaluate(() => {
        window.SEEN = [];
        const card = document.querySelector("#card");
        let classes = card.className;
        // Each change of classes on its own: an observer would hear of several at once.
        for (const name of ["add", "remove"]) {
            const own = card.classList[name].bind(card.classList);
            card.classList[name] = (...names) => {
                own(...names);
                const now = [...card.classList].sort().join(" ");
                if (now !== classes) window.SEEN.push(now || "no class");
                classes = now;
            };
        }
        for (const name of ["show-start", "show-end", "hide-start", "hide-end"]) {
            card.addEventListener(`phx:${name}`, () => window.SEEN.push(name));
        }
        const number = document.querySelector("#n");
        const options = { childList: true, characterData: true, subtree: true };
        new MutationObserver(() => window.SEEN.push(`n ${number.textContent}`)).observe(number, options);
    });
}

// Everything that is seen until the classes are gone.
async function seesAllOfIt(one) {
    await one.until("the classes are gone", () => window.SEEN.includes("no class"), undefined, () =>
        one.page.evaluate(() => window.SEEN),
    );
    return one.page.evaluate(() => window.SEEN.splice(0));
}

scenario("a transition is played and leaves no trace", async (one) => {
    await one.visits("/effects");
    await watches(one);
    await one.click("#shake");
    assert.deepEqual(await seesAllOfIt(one), ["shake", "no class"]);
    await one.click("#shake");
    assert.deepEqual(await seesAllOfIt(one), ["shake", "no class"]);
});

scenario("what folds and unfolds has the classes of each step, and changes of the page wait until it is done", async (one) => {
    await one.visits("/effects");
    await watches(one);
    await one.click("#fold");
    await one.click("#more");
    await one.sees("#n", "1");
    const folding = await seesAllOfIt(one);
    const steps = ["hide-start", "out-start", "out out-start", "out", "out out-end", "hide-end", "no class"];
    assert.deepEqual(folding.filter((line) => line !== "n 1"), steps);
    assert.ok(folding.indexOf("n 1") > folding.indexOf("hide-end"), folding.join(", "));
    assert.equal(await one.page.isVisible("#card"), false);
    await one.click("#fold");
    const unfolding = ["show-start", "in-start", "in in-start", "in", "in in-end", "show-end", "no class"];
    assert.deepEqual(await seesAllOfIt(one), unfolding);
    assert.equal(await one.page.isVisible("#card"), true);
});

scenario("attributes that are to be ignored stay as the browser has them, others do not", async (one) => {
    await one.visits("/effects");
    await one.click("#loyal summary");
    await one.click("#forgetful summary");
    const open = () => one.page.$$eval("#kept details", (all) => all.map(({ id, open, dataset }) => [id, open, dataset.n]));
    assert.deepEqual(await open(), [["loyal", true, "0"], ["forgetful", true, "0"]]);
    await one.click("#more");
    await one.sees("#n", "1");
    assert.deepEqual(await open(), [["loyal", true, "1"], ["forgetful", false, "1"]]);
});

scenario("commands reach the nearest element around and those within, and no others", async (one) => {
    await one.visits("/effects");
    const marked = () =>
        one.page.$$eval("[data-marked=yes]", (all) => all.map(({ id, localName }) => id || localName));
    await one.click("#two button");
    assert.deepEqual(await marked(), ["two"]);
    await one.click("#group i");
    assert.deepEqual(await marked(), ["two", "b", "b"]);
    await one.click("#more");
    await one.sees("#n", "1");
    assert.deepEqual(await marked(), ["two", "b", "b"]);
});

scenario("the focus that was remembered last comes back first", async (one) => {
    await one.visits("/effects");
    const focused = (id) => one.until(`${id} has the focus`, (id) => document.activeElement.id === id, id);
    await one.click("#remember");
    await one.click("#return");
    await focused("second");
    await one.click("#return");
    await focused("first");
});

scenario("a field that has the focus is patched if it says so, and else is not", async (one) => {
    await one.visits("/effects");
    await one.press("#guarded", "ArrowUp");
    await one.sees("#n", "1");
    assert.deepEqual([await one.value("#guarded"), await one.value("#patched")], ["0", "1"]);
    await one.press("#patched", "ArrowUp");
    await one.sees("#n", "2");
    assert.deepEqual([await one.value("#guarded"), await one.value("#patched")], ["2", "2"]);
});

// The fields that the last change of a form has named.
async function fieldsOfChange(one, selector) {
    const since = one.frames.length;
    await one.types(selector, "x");
    const [{ 4: push }] = one.between(since, ">", "event");
    return push.value;
}

scenario("fields that nobody has used are named, but those that do not want it", async (one) => {
    await one.visits("/effects");
    assert.equal(await fieldsOfChange(one, "#some [name=c]"), "_unused_a=&a=&b=&c=x");
    assert.equal(await fieldsOfChange(one, "#none [name=c]"), "a=&c=x");
});

module.exports = scenarios;
