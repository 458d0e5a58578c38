// What is left of a page after its connection was lost: forms, files, scripts that have changed meanwhile.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

const CUT = /WebSocket connection to/;

async function isCutAndBack(one) {
    await one.ctl("drop");
    await one.eventually("the view has joined again", () =>
        one.between(0, ">", "phx_join").some((join) => join[4].params?._mounts === 1),
    );
    await one.isLive();
}

scenario("a form is replayed by the event that it names for that, one that wants none is left alone", async (one) => {
    one.expects(CUT);
    await one.visits("/more");
    await one.types("#draft input", "half a sen");
    await one.types("#left input", "never mind");
    await one.seesAll("#heard li", ["draft", "left"]);
    const since = one.frames.length;
    await isCutAndBack(one);
    await one.seesAll("#heard li", ["recovered"]);
    const replayed = one.between(since, ">", "event").map(([, , , , { event }]) => event);
    assert.ok(replayed.includes("recovered") && !replayed.includes("left") && !replayed.includes("draft"), replayed.join());
});

scenario("a form is replayed over long poll, too", async (one) => {
    await one.visits("/more?lp=1");
    await one.marks();
    await one.fill("#draft input", "half a sen");
    await one.seesAll("#heard li", ["draft"]);
    await one.ctl("drop");
    await one.seesAll("#heard li", ["recovered"]);
    assert.equal(await one.value("#draft input"), "half a sen");
    await one.isSamePage();
    assert.equal(one.frames.length, 0, "no WebSocket was opened");
});

scenario("a view that was navigated to is itself again after a socket was cut", async (one) => {
    one.expects(CUT);
    await one.visits("/two");
    await one.marks();
    await one.page.evaluate(() => window.liveSocket.js().navigate("/more?by=link"));
    await one.types("#draft input", "half a sen");
    const since = one.frames.length;
    await one.ctl("drop");
    await one.seesAll("#heard li", ["recovered"]);
    await one.sees("#q", '{"by":"link"}');
    await one.isLive();
    const [, reference, , , said] = one.between(since, ">", "phx_join")[0];
    assert.deepEqual([said.url, said.redirect], [undefined, `${one.base}/more?by=link`]);
    const answer = one.between(since, "<", "phx_reply").find((reply) => reply[1] === reference);
    assert.deepEqual(answer[4].response.container, ["div", { class: "more" }]);
    assert.equal(await one.page.$eval("[data-phx-main]", (main) => main.className.includes("more")), true);
    await one.isSamePage();
    await one.page.goBack();
    await one.sees("#two", "Page two {}");
    await one.isSamePage();
});

scenario("a page with other scripts than the program has now can be told so", async (one) => {
    await one.visits("/more");
    await one.misses("#newer");
    // As if it had been loaded from the program before this one.
    await one.page.route(`${one.base}/more`, async (route) => {
        const response = await route.fetch();
        const body = (await response.text()).replace("/js/app.js", "/js/app-of-yesterday.js");
        await route.fulfill({ response, body });
    });
    await one.page.route(`${one.base}/js/app-of-yesterday.js`, (route) => route.fulfill({ path: `${__dirname}/../../../web-ui/live/examples/conformance/app.js` }));
    await one.visits("/more");
    await one.sees("#newer", "there are newer scripts");
});

// Chooses a file that says of itself what it likes.
async function choosesLiar(one, selector, bytes, said) {
    await one.page.$eval(
        selector,
        (input, [bytes, said]) => {
            const file = new File([new Uint8Array(bytes)], "liar.txt", { type: "text/plain" });
            Object.defineProperty(file, "size", { value: said });
            const transfer = new DataTransfer();
            transfer.items.add(file);
            input.files = transfer.files;
            // The list of the input makes files of its own.
            Object.defineProperty(input, "files", { configurable: true, value: [file] });
            input.dispatchEvent(new Event("input", { bubbles: true }));
        },
        [bytes, said],
    );
}

scenario("a file with more bytes than it said is broken off, and the page says so", async (one) => {
    await one.visits("/more");
    const since = one.frames.length;
    await choosesLiar(one, "#uploads input", 900, 10);
    await one.seesAll("#files li", ["liar.txt 0 Failed×"]);
    const refused = one.between(since, "<", "phx_reply").filter((reply) => reply[4].status === "error");
    assert.deepEqual(refused.map((reply) => reply[4].response), [{ reason: "file_size_limit_exceeded" }]);
    await one.click("#files button");
    await one.misses("#files li");
});

scenario("a file whose next chunk does not come in time is given up, and the page says so", async (one) => {
    await one.page.routeWebSocket(/\/live\/websocket/, (page) => {
        const program = page.connectToServer();
        let chunks = 0;
        page.onMessage((message) => {
            const isChunk = typeof message !== "string";
            chunks += isChunk;
            // The second is lost on its way.
            if (!(isChunk && chunks === 2)) program.send(message);
        });
    });
    await one.visits("/more");
    const file = { name: "slow.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(200_000, 7) };
    await one.page.setInputFiles("#impatient input", file);
    await one.seesAll("#impatient-files li", ["slow.bin 32 Failed×"]);
    const ends = one.frames.filter(({ way, frame }) => way === "<" && frame?.[2] === "lvu:0" && frame[3] !== "phx_reply");
    assert.deepEqual(ends.map(({ frame }) => frame[3]), ["phx_error"]);
    // The view lives on.
    await one.click("#twice");
    await one.seesAll("#heard li", ["first", "second"]);
});

module.exports = scenarios;
