// Live reload: what a developer changes shows in the page that is open. These scenarios start programs of their own.

"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

const GLUE = path.join(__dirname, "../../../web-ui/live/examples/conformance/app.js");

// Outside of what the system hands out: nobody takes it while the program is away.
const PORT = "18090";
let workshops = 0;

// Linux serves all of 127.0.0.0/8: process and counter make an address that nobody else has.
function ownAddress() {
    workshops += 1;
    return `127.${(process.pid >> 8) & 255}.${Math.max(process.pid & 255, 1)}.${workshops}`;
}

// A folder with a stylesheet and the glue, and a program that follows it.
class Workshop {
    constructor() {
        this.address = ownAddress();
        this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "roost-reload-"));
        this.write("app.css", "body { color: rgb(1, 1, 1); }");
        this.write("app.js", fs.readFileSync(GLUE, "utf8"));
    }

    write(name, text) {
        fs.writeFileSync(path.join(this.folder, name), text);
    }

    async start() {
        const env = { ...process.env, ADDRESS: this.address, PORT, RELOAD: this.folder };
        this.program = spawn(process.env.ROOST_CONFORMANCE, [], { env, stdio: ["ignore", "pipe", "inherit"] });
        this.base = await new Promise((resolve, reject) => {
            let text = "";
            this.program.stdout.on("data", (piece) => {
                text += piece;
                const found = /listening on (http:\S+)\n/.exec(text);
                if (found) resolve(found[1]);
            });
            this.program.on("exit", () => reject(new Error(`the program has ended: ${text}`)));
        });
    }

    async stop() {
        const gone = new Promise((resolve) => this.program.on("exit", resolve));
        this.program.kill("SIGKILL");
        await gone;
    }
}

async function workshop(one, play) {
    const shop = new Workshop();
    await shop.start();
    try {
        one.base = shop.base;
        await play(shop);
        // Before the program ends, or the page would complain of that, in time for somebody to hear it or not.
        await one.page.close();
    } finally {
        await shop.stop();
        fs.rmSync(shop.folder, { recursive: true });
    }
}

const hasColour = (one, colour) =>
    one.until(`the text is ${colour}`, (colour) => getComputedStyle(document.body).color === colour, colour);

scenario("a changed stylesheet is swapped in the open page, which keeps its state", (one) =>
    workshop(one, async (shop) => {
        await one.visits("/");
        await one.marks();
        await one.click("#inc");
        await one.sees("#n", "2");
        await hasColour(one, "rgb(1, 1, 1)");
        for (const colour of ["rgb(2, 20, 200)", "rgb(3, 3, 3)"]) {
            shop.write("app.css", `body { color: ${colour}; }`);
            await hasColour(one, colour);
        }
        await one.until("one stylesheet is left", () => document.querySelectorAll("link[rel=stylesheet]").length === 1);
        assert.equal(await one.text("#n"), "2");
        await one.isSamePage();
    }),
);

scenario("a changed script loads the page anew", (one) =>
    workshop(one, async (shop) => {
        await one.visits("/");
        await one.marks();
        shop.write("app.js", `${fs.readFileSync(GLUE, "utf8")}\nwindow.CHANGED = true;\n`);
        await one.isNewPage();
        await one.until("the new script has run", () => window.CHANGED === true);
        await one.isLive();
    }),
);

// What a browser says while the program is away.
const AWAY = /WebSocket connection|Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE/;

scenario("a program that was built and started anew takes over the open page, with what stands in its form", (one) =>
    workshop(one, async (shop) => {
        one.expects(AWAY);
        await one.visits("/");
        await one.marks();
        await one.types("#name", "Al");
        await one.sees("#err", "too short");
        await shop.stop();
        await shop.start();
        await one.eventually("the view was joined again", () => one.between(0, ">", "phx_join").length >= 2);
        await one.isLive();
        await one.sees("#err", "too short");
        assert.equal(await one.value("#name"), "Al");
        await one.click("#inc");
        await one.sees("#n", "2");
        await one.isSamePage();
    }),
);

scenario("a program that was started anew with other scripts has its pages loaded anew", (one) =>
    workshop(one, async (shop) => {
        one.expects(AWAY);
        await one.visits("/");
        await one.marks();
        await shop.stop();
        shop.write("app.js", `${fs.readFileSync(GLUE, "utf8")}\nwindow.CHANGED = true;\n`);
        await shop.start();
        await one.until("the new script has run", () => window.CHANGED === true);
        await one.isLive();
    }),
);

module.exports = scenarios;
