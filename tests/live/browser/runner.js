// Runs the scenarios of a file in a headless browser, one after the other, and says of each whether it held.
//
//     node runner.js FILE URL [WORDS [PROGRAM]]
//
// Only the scenarios whose sentence contains WORDS are run. PROGRAM is the conformance program, for scenarios that start
// one of their own.
//
// A scenario fails by throwing, by an error in a page or by a console error that it did not announce.

"use strict";

const path = require("node:path");
const { chromium } = require("playwright-core");
const { Visitor } = require("./visitor.js");

const CHROMIUM = process.env.ROOST_CHROMIUM || "/usr/bin/chromium";
// Chromium must neither ask for the network nor for a display.
const FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // A page that a test has changed on its way counts as one from outside, and may not connect to this machine.
    "--disable-features=LocalNetworkAccessChecks",
];

async function run(browser, base, { sentence, play }) {
    const visitors = [];
    const visitor = async (options) => {
        const one = await Visitor.enter(browser, base, options);
        visitors.push(one);
        return one;
    };
    try {
        await play(await visitor(), visitor);
        for (const one of visitors) one.assertQuiet();
        console.log(`ok      ${sentence}`);
        return true;
    } catch (error) {
        console.log(`FAILED  ${sentence}\n${indent(error.stack || String(error))}`);
        for (const one of visitors) console.log(indent(await one.account()));
        return false;
    } finally {
        for (const one of visitors) await one.leave();
    }
}

function indent(text) {
    return text.replace(/^/gm, "        ");
}

async function main([file, base, words, program]) {
    if (program) process.env.ROOST_CONFORMANCE = program;
    const scenarios = require(path.resolve(file)).filter(({ sentence }) => !words || sentence.includes(words));
    if (scenarios.length === 0) throw new Error(`${file} has no scenario with these words`);
    // As for everybody else, pages that are left may be kept for those who come back.
    const ignoreDefaultArgs = ["--disable-back-forward-cache"];
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, ignoreDefaultArgs });
    let held = 0;
    try {
        for (const scenario of scenarios) held += await run(browser, base, scenario);
    } finally {
        await browser.close();
    }
    console.log(`${held} of ${scenarios.length} scenarios held`);
    process.exitCode = held === scenarios.length ? 0 : 1;
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exitCode = 2;
});
