// The stock client's own merge code as a judge: takes messages, one JSON text a line, and answers with the page that a
// browser would show. {"full": …} begins a page, {"diff": …} changes it, {"look": …} only asks.
globalThis.window = { dispatchEvent() {} };
const Rendered = require("merge.cjs").default;
const readline = require("node:readline");

const OWN = / data-phx-(id|component|view|skip)(="[^"]*")?/g;
let page = null;

// The whole page, also the parts that a browser would leave as they are, without the client's own attributes.
function whole() {
    const copy = structuredClone(page.get());
    page.pruneInternalIds(copy);
    // Nothing is left out as unchanged, also not in a component that stands in two places.
    Object.values(copy.c).forEach((component) => Object.setPrototypeOf(component, { reset: true }));
    return page.recursiveToString(copy, copy.c, null, false, {}, null).buffer.replace(OWN, "");
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
        const html = whole();
        page.toString();
        return { html };
    }
    if (message.look) {
        return { html: whole() };
    }
    const { diff } = Rendered.extract(message.diff);
    page.mergeDiff(diff);
    const html = whole();
    patch(diff);
    return { html };
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
