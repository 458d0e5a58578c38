// A person with a browser: opens pages, does things, waits for what should be seen, and hears every complaint.

"use strict";

const assert = require("node:assert/strict");

const PATIENCE_MS = Number(process.env.ROOST_PATIENCE_MS || 60_000);

class Visitor {
    // Own cookies and own storage. `options` as Playwright's newContext.
    static async enter(browser, base, options = {}) {
        const one = new Visitor();
        one.base = base;
        one.context = await browser.newContext(options);
        one.page = await one.context.newPage();
        one.page.setDefaultTimeout(PATIENCE_MS);
        one.complaints = [];
        one.expected = [];
        one.console = [];
        one.frames = [];
        one.documents = [];
        one.listen();
        return one;
    }

    listen() {
        this.page.on("pageerror", (error) => this.complaints.push(`page error: ${error.stack || error.message}`));
        this.page.on("console", (message) => {
            const text = `${message.type()}: ${message.text()} (${message.location().url})`;
            this.console.push(text);
            if (["error", "warning"].includes(message.type())) this.complaints.push(text);
        });
        this.page.on("response", (response) => {
            if (response.request().isNavigationRequest()) {
                this.documents.push({ path: response.url().replace(this.base, ""), status: response.status() });
            }
        });
        this.page.on("websocket", (socket) => {
            this.frames.push({ way: "open", text: socket.url() });
            socket.on("framesent", ({ payload }) => this.note(">", payload));
            socket.on("framereceived", ({ payload }) => this.note("<", payload));
            socket.on("close", () => this.frames.push({ way: "close", text: "" }));
        });
    }

    note(way, payload) {
        const text = typeof payload === "string" ? payload : `binary ${payload.length}`;
        let frame = null;
        if (text.startsWith("[")) frame = JSON.parse(text);
        this.frames.push({ way, text, frame });
    }

    // Says that console messages like this belong to the scenario.
    expects(...patterns) {
        this.expected.push(...patterns);
    }

    assertQuiet() {
        const unexpected = this.complaints.filter((text) => !this.expected.some((pattern) => pattern.test(text)));
        assert.deepEqual(unexpected, [], "no page error, no console error");
    }

    // What a failed scenario leaves to read.
    async account() {
        const body = await this.page.evaluate(() => document.body.innerText).catch((error) => String(error));
        const frames = this.frames.slice(-12).map(({ way, text }) => `${way} ${text.slice(0, 400)}`);
        return [
            `-- at ${this.page.url()}`,
            ...["console:", ...this.console],
            ...["last frames:", ...frames],
            ...["page:", body.slice(0, 2000)],
        ].join("\n");
    }

    async leave() {
        await this.context.close();
    }

    // ---- going somewhere

    // Opens a page and waits until its view has joined.
    async visits(path) {
        await this.page.goto(this.base + path);
        await this.isLive();
    }

    // Says who this is, and is on the first page.
    async signsIn(user) {
        await this.page.goto(`${this.base}/login`);
        await this.fill("[name=user]", user);
        await this.click("button");
        await this.isLive();
    }

    async isLive() {
        await this.page.waitForSelector("[data-phx-main].phx-connected", { state: "attached" });
    }

    // Leaves a mark in the page that no load survives.
    async marks() {
        await this.page.evaluate(() => (window.__mark = true));
    }

    async isSamePage() {
        assert.equal(await this.page.evaluate(() => window.__mark === true), true, "the page was loaded anew");
    }

    async isNewPage() {
        await this.until("the page is loaded anew", () => window.__mark === undefined && document.readyState === "complete");
    }

    async isAt(path) {
        await this.until(`the address is ${path}`, (path) => location.pathname + location.search === path, path);
    }

    // ---- doing something

    click(selector) {
        return this.page.click(selector);
    }

    fill(selector, text) {
        return this.page.fill(selector, text);
    }

    press(selector, key) {
        return this.page.press(selector, key);
    }

    // Types into a live form's input and waits until the view has answered the change.
    async types(selector, text) {
        const since = this.frames.length;
        await this.page.fill(selector, text);
        return this.answer(since, (push) => push.type === "form" && JSON.stringify(push).includes("_target"));
    }

    // Does something that sends an event and waits for the reply: its `response`.
    async pushing(action) {
        const since = this.frames.length;
        await action();
        return this.answer(since, () => true);
    }

    async answer(since, chosen) {
        const isChosen = ({ way, frame }) => way === ">" && frame && frame[3] === "event" && chosen(frame[4]);
        return this.eventually("an event was sent and answered", () => {
            const later = this.frames.slice(since);
            const push = later.find(isChosen);
            const reply = push && later.find(({ way, frame }) => way === "<" && frame && frame[1] === push.frame[1]);
            return reply && reply.frame[4].response;
        });
    }

    // Frames on the socket since an index of `frames`, sent (">") or received ("<"), with this event name.
    between(since, way, event) {
        return this.frames
            .slice(since)
            .filter((one) => one.way === way && one.frame && one.frame[3] === event)
            .map(({ frame }) => frame);
    }

    // ---- the program's control

    // Asks the program's control route.
    async ctl(cmd, parameters = {}) {
        const query = new URLSearchParams({ cmd });
        for (const [name, value] of Object.entries(parameters)) {
            query.set(name, typeof value === "string" ? value : JSON.stringify(value));
        }
        const response = await fetch(`${this.base}/ctl?${query}`);
        assert.equal(response.status, 200, `/ctl?${query}`);
        return response.json();
    }

    // ---- seeing something

    async sees(selector, text) {
        await this.until(
            `${selector} says ${JSON.stringify(text)}`,
            ([selector, text]) => document.querySelector(selector)?.textContent.trim() === text,
            [selector, text],
            async () => this.page.evaluate((selector) => document.querySelector(selector)?.outerHTML, selector),
        );
    }

    async misses(selector) {
        await this.until(`${selector} is not there`, (selector) => !document.querySelector(selector), selector);
    }

    text(selector) {
        return this.page.$eval(selector, (element) => element.textContent.trim());
    }

    texts(selector) {
        return this.page.$$eval(selector, (elements) => elements.map((element) => element.textContent.trim()));
    }

    value(selector) {
        return this.page.$eval(selector, (element) => element.value);
    }

    async seesAll(selector, texts) {
        await this.until(
            `${selector} say ${JSON.stringify(texts)}`,
            ([selector, texts]) =>
                JSON.stringify([...document.querySelectorAll(selector)].map((one) => one.textContent.trim())) ===
                JSON.stringify(texts),
            [selector, texts],
            () => this.texts(selector),
        );
    }

    hookLog() {
        return this.page.evaluate(() => window.HOOKLOG);
    }

    async hookLogHas(line) {
        await this.until(`the hook logs ${line}`, (line) => (window.HOOKLOG || []).includes(line), line, () => this.hookLog());
    }

    // Waits for a condition in the page.
    async until(what, condition, argument, found = async () => undefined) {
        try {
            await this.page.waitForFunction(condition, argument, { timeout: PATIENCE_MS });
        } catch (error) {
            throw new Error(`${what}: never; found ${JSON.stringify(await found())}\n${error.message}`);
        }
    }

    // Waits for a condition outside of it: the first answer that is true.
    async eventually(what, condition) {
        const end = Date.now() + PATIENCE_MS;
        for (;;) {
            const found = await condition();
            if (found) return found;
            if (Date.now() > end) throw new Error(`${what}: never`);
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    }
}

module.exports = { Visitor };
