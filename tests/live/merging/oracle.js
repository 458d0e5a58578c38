// The stock client's own merge code as a judge: takes messages, one JSON text a line, and answers with the page that a
// browser would show. {"full": …} begins a page, {"diff": …} changes it, {"look": …} only asks.
globalThis.window = { dispatchEvent() {} };
const Rendered = require("merge.cjs").default;
const readline = require("node:readline");

// Where a component stands, and the id of its element.
const STANDS = / data-phx-component="(\d+)"[^>]*? id="([^"]*)"/g;
const OWN = / data-phx-(id|component|view|skip)(="[^"]*")?/g;
let page = null;

// The whole page, also the parts that a browser would leave as they are, without the client's own attributes.
function whole() {
    const copy = structuredClone(page.get());
    page.pruneInternalIds(copy);
    // Nothing is left out as unchanged, also not in a component that stands in two places.
    Object.values(copy.c ?? {}).forEach((component) => Object.setPrototypeOf(component, { reset: true }));
    const html = page.recursiveToString(copy, copy.c, null, false, {}, null).buffer;
    const shown = [...html.matchAll(STANDS)].map(([, cid, id]) => [Number(cid), id]);
    return { html: html.replace(OWN, ""), shown };
}

// What the view does with a message: only its components if there is nothing else in it.
function patch(diff) {
    const cids = page.componentCIDs(diff);
    if (page.isComponentOnlyDiff(diff)) {
        cids.forEach((cid) => page.componentToString(cid));
    } else {
        page.toString(cids);
    }
}

function take(message) {
    if (message.full) {
        page = new Rendered("view", Rendered.extract(message.full).diff);
        const answer = whole();
        page.toString();
        return answer;
    }
    if (message.look) {
        return whole();
    }
    // Components that the page does not show any more, and those that the server has given up: as the view does.
    if (message.reset) {
        message.reset.forEach((cid) => page.resetRender(cid));
        return { html: "" };
    }
    if (message.prune) {
        page.pruneCIDs(message.prune);
        return { html: "" };
    }
    if (message.part) {
        const part = structuredClone(page.get());
        const html = new Rendered("view", part).componentToString(message.part).buffer;
        return { html: html.replace(OWN, "") };
    }
    const { diff } = Rendered.extract(message.diff);
    page.mergeDiff(diff);
    const answer = whole();
    patch(diff);
    return answer;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
    let answer;
    try {
        answer = take(JSON.parse(line));
    } catch (error) {
        answer = { error: String(error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
});
