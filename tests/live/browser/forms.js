// Live forms: changes, targets, errors, submits, focus, debounce, what is disabled meanwhile.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

scenario("a change is validated and names its target", async (one) => {
    await one.visits("/");
    await one.types("#name", "ab");
    await one.sees("#err", "too short");
    await one.sees("#target", '"user[name]"');
    await one.types("#name", "abc");
    await one.sees("#err", "");
});

scenario("an input nobody has touched is announced as unused", async (one) => {
    await one.visits("/");
    await one.types("#name", "abc");
    const change = one.between(0, ">", "event").find((frame) => frame[4].type === "form");
    assert.match(change[4].value, /user%5B_unused_mail%5D=/);
});

scenario("a submit carries its button, greets, and empties the name", async (one) => {
    await one.visits("/");
    await one.types("#name", "Jane");
    await one.click("#save");
    await one.sees("#fl", "saved Jane go");
    await one.until("the name is empty", () => document.querySelector("#name").value === "");
    const submit = one.between(0, ">", "event").at(-1);
    assert.match(submit[4].value, /act=go/);
    assert.doesNotMatch(submit[4].value, /_unused_/);
});

scenario("text of any kind comes back as it was", async (one) => {
    await one.visits("/");
    const text = `<b>&"'é 100% a+b=c 日本`;
    await one.types("#name", text);
    await one.click("#save");
    await one.sees("#fl", `saved ${text} go`);
});

scenario("a patch leaves alone what somebody is typing", async (one) => {
    await one.visits("/");
    await one.page.focus("#name");
    await one.page.keyboard.type("typ");
    await one.ctl("tick");
    await one.sees("#tick", "1");
    await one.page.keyboard.type("ing");
    await one.sees("#err", "");
    assert.equal(await one.value("#name"), "typing");
    assert.equal(await one.page.evaluate(() => document.activeElement.id), "name");
});

scenario("quick typing is one change", async (one) => {
    await one.visits("/");
    const since = one.frames.length;
    // In one turn of the page's loop: no 20 ms pass between the keys.
    await one.page.evaluate(() => {
        const input = document.querySelector("#name");
        input.focus();
        for (const text of ["a", "ab", "abc", "abcd"]) {
            input.value = text;
            input.dispatchEvent(new InputEvent("input", { bubbles: true }));
        }
    });
    const answer = await one.answer(since, (push) => push.type === "form");
    assert.ok(answer.diff);
    const changes = one.between(since, ">", "event").map((frame) => new URLSearchParams(frame[4].value).get("user[name]"));
    assert.deepEqual(changes, ["abcd"]);
});

scenario("a button says that it is saving and is disabled until the answer", async (one) => {
    await one.visits("/");
    await one.page.evaluate(() => {
        window.SEEN = [];
        const button = document.querySelector("#save");
        const look = () => window.SEEN.push(`${button.textContent.trim()} ${button.disabled}`);
        new MutationObserver(look).observe(button, { attributes: true, childList: true, characterData: true, subtree: true });
    });
    const resting = await one.text("#save");
    await one.types("#name", "Jane");
    await one.click("#save");
    await one.sees("#fl", "saved Jane go");
    await one.sees("#save", resting);
    const seen = await one.page.evaluate(() => window.SEEN);
    assert.ok(seen.some((state) => state.endsWith("true") && !state.startsWith(resting)), JSON.stringify(seen));
    assert.equal(await one.page.isEnabled("#save"), true);
});

scenario("Enter submits, too", async (one) => {
    await one.visits("/");
    await one.types("#name", "Enter");
    await one.press("#name", "Enter");
    await one.sees("#fl", "saved Enter go");
});

// Gives a form more fields than a form may have.
const overfills = (one, form) =>
    one.page.$eval(form, (form) => {
        for (let n = 0; n < 1_000; n += 1) {
            const input = document.createElement("input");
            Object.assign(input, { type: "hidden", name: `field-${n}`, value: "x" });
            form.append(input);
        }
    });

scenario("a form with too many fields is told so, and is not locked", async (one) => {
    await one.visits("/more");
    await overfills(one, "#draft");
    const answered = await one.types("#draft input", "a");
    assert.deepEqual(Object.keys(answered), ["diff"]);
    await one.sees("#trouble", "a form has at most 1000 fields");
    assert.equal(await one.page.$("#draft[data-phx-ref-src], #draft[data-phx-ref-lock], #draft.phx-change-loading"), null);
    await one.page.$$eval("#draft input[type=hidden]", (inputs) => inputs.forEach((input) => input.remove()));
    await one.types("#draft input", "ab");
    await one.seesAll("#heard li", ["draft"]);
});

scenario("a form with too many fields does not keep its page from coming back", async (one) => {
    one.expects(/WebSocket connection to/);
    await one.visits("/more");
    await one.marks();
    await one.types("#draft input", "a");
    await overfills(one, "#draft");
    await one.ctl("drop");
    await one.sees("#trouble", "a form has at most 1000 fields");
    await one.isLive();
    await one.click("#twice");
    await one.seesAll("#heard li", ["first", "second"]);
    await one.isSamePage();
});

module.exports = scenarios;
