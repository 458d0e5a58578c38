// Views that are present: people with pages and clients of channels see each other come and go.

"use strict";

const assert = require("node:assert/strict");
const { collect } = require("./scenario.js");
const { scenarios, scenario } = collect();

// Opens the page as somebody, and waits until it has heard of that itself.
async function enters(one, user, others = []) {
    await one.visits(`/people?user=${user}`);
    await one.seesAll("#people li", [...others, `${user}: page`].sort());
    await one.seesAll("#heard li", [`+ ${user}: page`]);
}

// The stock client of channels, in the page, with its own account of who is there.
const joins = (one, user) =>
    one.page.evaluate((user) => {
        const socket = new Phoenix.Socket("/socket", { params: { user } });
        socket.connect();
        const channel = socket.channel("room:presence", { user, dev: "phone" });
        const presence = new Phoenix.Presence(channel);
        const people = () => presence.list((user, { metas }) => `${user}: ${metas.map(({ dev }) => dev).join(", ")}`).sort();
        presence.onSync(() => (window.PEOPLE = people()));
        channel.join();
        window.CHANNEL = channel;
    }, user);

const channelSees = (one, people) =>
    one.until(
        `the channel's client sees ${people}`,
        (people) => JSON.stringify(window.PEOPLE) === JSON.stringify(people),
        people,
        () => one.page.evaluate(() => window.PEOPLE),
    );

scenario("two pages see each other come, change and go", async (one, visitor) => {
    await enters(one, "ann");
    const other = await visitor();
    await enters(other, "bob", ["ann: page"]);
    await one.seesAll("#people li", ["ann: page", "bob: page"]);
    await other.click("#as");
    for (const page of [one, other]) await page.seesAll("#people li", ["ann: page", "bob: tablet"]);
    await one.seesAll("#heard li", ["+ ann: page", "+ bob: page", "+ bob: tablet", "- bob: page"]);
    await other.click("#leave");
    for (const page of [one, other]) await page.seesAll("#people li", ["ann: page"]);
    await other.click("#as");
    await one.seesAll("#people li", ["ann: page", "bob: tablet"]);
    await other.page.close();
    await one.seesAll("#people li", ["ann: page"]);
    assert.equal((await one.texts("#heard li")).at(-1), "- bob: tablet");
});

scenario("somebody with two windows is there until both are closed", async (one, visitor) => {
    await enters(one, "ann");
    const tabs = [await visitor(), await visitor()];
    for (const tab of tabs) await tab.visits("/people?user=bob");
    await one.seesAll("#people li", ["ann: page", "bob: page, page"]);
    await tabs[0].page.close();
    await one.seesAll("#people li", ["ann: page", "bob: page"]);
    await tabs[1].visits("/two");
    await one.seesAll("#people li", ["ann: page"]);
});

scenario("a page whose view crashes has left, and comes back", async (one, visitor) => {
    await enters(one, "ann");
    const other = await visitor();
    await enters(other, "bob", ["ann: page"]);
    await other.click("#as");
    await one.seesAll("#people li", ["ann: page", "bob: tablet"]);
    await other.click("#crash");
    // The view that was started anew knows nothing of the tablet.
    for (const page of [one, other]) await page.seesAll("#people li", ["ann: page", "bob: page"]);
});

scenario("pages and the stock client of channels see each other", async (one, visitor) => {
    await enters(one, "ann");
    const other = await visitor();
    await other.visits("/two");
    await joins(other, "cid");
    await channelSees(other, ["ann: page", "cid: phone"]);
    await one.seesAll("#people li", ["ann: page", "cid: phone"]);
    await one.click("#as");
    await channelSees(other, ["ann: tablet", "cid: phone"]);
    await other.page.evaluate(() => window.CHANNEL.push("upd", { user: "cid", dev: "watch" }));
    await one.seesAll("#people li", ["ann: tablet", "cid: watch"]);
    await channelSees(other, ["ann: tablet", "cid: watch"]);
    await one.page.close();
    await channelSees(other, ["cid: watch"]);
});

module.exports = scenarios;
