// The gateway's pages while somebody changes them: its stylesheet, and the program itself.

"use strict";

const { spawn } = require("node:child_process");
const { once } = require("node:events");
const fs = require("node:fs");
const path = require("node:path");
const { collect } = require("../live/browser/scenario.js");
const { scenarios, scenario } = collect();

const { ROOST_PROGRAM: program, ROOST_CONFIG: config, ROOST_ASSETS: assets } = process.env;
const STYLESHEET = path.join(assets, "roost.css");
// A page that does not load itself anew every few seconds.
const QUIET = "/?refresh=off";

class Gateway {
    async start(base) {
        this.child = spawn(program, ["--config", config, "run"], { stdio: "ignore" });
        for (;;) {
            const answer = await fetch(`${base}/api/v1/health`).catch(() => undefined);
            if (answer && answer.ok) return;
            if (this.child.exitCode !== null) throw new Error(`the gateway ended with ${this.child.exitCode}`);
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }

    async stop() {
        const gone = once(this.child, "exit");
        this.child.kill("SIGKILL");
        await gone;
    }
}

async function running(one, play) {
    const gateway = new Gateway();
    await gateway.start(one.base);
    try {
        await play(gateway);
        // Before the program ends, or the page would complain of that.
        await one.page.close();
    } finally {
        await gateway.stop();
    }
}

const hasColour = (one, colour) =>
    one.until(`the text is ${colour}`, (colour) => getComputedStyle(document.body).color === colour, colour);

scenario("a changed stylesheet is swapped in the open page", (one) =>
    running(one, async () => {
        const before = fs.readFileSync(STYLESHEET, "utf8");
        await one.page.goto(one.base + QUIET);
        await one.marks();
        for (const colour of ["rgb(1, 20, 200)", "rgb(3, 3, 3)"]) {
            fs.writeFileSync(STYLESHEET, `${before}\nbody { color: ${colour} !important; }\n`);
            await hasColour(one, colour);
        }
        await one.isSamePage();
    }),
);

scenario("a page is loaded anew when the program was started anew", (one) =>
    running(one, async (gateway) => {
        one.expects(/Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/);
        await one.page.goto(one.base + QUIET);
        await one.marks();
        await gateway.stop();
        await gateway.start(one.base);
        await one.isNewPage();
    }),
);

// Holds back what the page asks of live reload, as a slow computer would, until it may hear.
async function deafens(one) {
    let held = [];
    await one.page.route(/\/live-reload$/, (route) => (held ? void held.push(route) : route.continue()));
    return async () => {
        await one.eventually("the page wants to listen", () => held.length > 0);
        const routes = held;
        held = undefined;
        for (const route of routes) await route.continue();
    };
}

scenario("what has changed before the page could listen is shown", (one) =>
    running(one, async (gateway) => {
        one.expects(/Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/);
        const before = fs.readFileSync(STYLESHEET, "utf8");
        let hear = await deafens(one);
        await one.page.goto(one.base + QUIET);
        await one.marks();
        fs.writeFileSync(STYLESHEET, `${before}\nbody { color: rgb(5, 50, 5) !important; }\n`);
        await hear();
        await hasColour(one, "rgb(5, 50, 5)");
        await one.isSamePage();

        hear = await deafens(one);
        await one.page.goto(one.base + QUIET);
        await one.marks();
        await gateway.stop();
        await gateway.start(one.base);
        await hear();
        await one.isNewPage();
    }),
);

module.exports = scenarios;
