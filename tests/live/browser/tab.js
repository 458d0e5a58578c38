// A tab of the browser itself. The pages of a visitor are made to believe that somebody looks at them; these are hidden
// when another is in front.

"use strict";

const PATIENCE_MS = Number(process.env.ROOST_PATIENCE_MS || 60_000);

class Tab {
    // Opens tabs, all in one window, and hands them to `use`; closes them afterwards.
    static async within(browser, addresses, use) {
        const driver = await browser.newBrowserCDPSession();
        const tabs = [];
        try {
            for (const address of addresses) tabs.push(await Tab.open(driver, address));
            return await use(...tabs);
        } finally {
            for (const { target } of tabs) await driver.send("Target.closeTarget", { targetId: target });
            await driver.detach();
        }
    }

    static async open(driver, address) {
        const one = new Tab();
        one.driver = driver;
        one.answers = new Map();
        one.asked = 0;
        one.target = (await driver.send("Target.createTarget", { url: address })).targetId;
        const attach = { targetId: one.target, flatten: false };
        one.session = (await driver.send("Target.attachToTarget", attach)).sessionId;
        driver.on("Target.receivedMessageFromTarget", ({ sessionId, message }) => {
            if (sessionId !== one.session) return;
            const { id, result, error } = JSON.parse(message);
            one.answers.get(id)?.(result || { error });
            one.answers.delete(id);
        });
        return one;
    }

    // Shows it, and hides the others.
    async comesToFront() {
        await this.driver.send("Target.activateTarget", { targetId: this.target });
    }

    // What an expression is in the page.
    async evaluate(expression) {
        this.asked += 1;
        const id = this.asked;
        const answer = new Promise((resolve) => this.answers.set(id, resolve));
        const question = { id, method: "Runtime.evaluate", params: { expression, returnByValue: true } };
        await this.driver.send("Target.sendMessageToTarget", { sessionId: this.session, message: JSON.stringify(question) });
        const { result, exceptionDetails, error } = await answer;
        const problem = exceptionDetails?.exception?.description || error?.message;
        if (problem) throw new Error(`${expression}: ${problem}`);
        return result.value;
    }

    // Waits until an expression is true in the page.
    async until(expression) {
        const end = Date.now() + PATIENCE_MS;
        while (!(await this.evaluate(`Boolean(${expression})`))) {
            if (Date.now() > end) throw new Error(`${expression}: never`);
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    }
}

module.exports = { Tab };
