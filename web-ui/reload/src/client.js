// Live reload: swaps stylesheets that have changed, loads the page anew when its scripts have.

"use strict";

(() => {
    // What this page was made with: the server writes it here, so that what changes before the page listens is noticed, too.
    const has = $STATE;

    // The new one is loaded before the old one goes: the page is never without.
    function swap(old) {
        const fresh = old.cloneNode();
        const url = new URL(old.href);
        url.searchParams.set("changed", Date.now());
        fresh.href = url.href;
        fresh.addEventListener("load", () => old.remove());
        old.after(fresh);
    }

    function follow({ data }) {
        const now = JSON.parse(data);
        if (now.scripts !== has.scripts) return location.reload();
        for (const [url, version] of Object.entries(now.stylesheets)) {
            if (version === has.stylesheets[url]) continue;
            has.stylesheets[url] = version;
            const sheets = [...document.querySelectorAll("link[rel=stylesheet]")];
            sheets.filter((sheet) => new URL(sheet.href).pathname === url).forEach(swap);
        }
    }

    function listen() {
        const source = new EventSource("/live-reload");
        source.addEventListener("files", follow);
        // The browser asks again by itself where nobody answers, but not where somebody answers that this can't be now.
        source.addEventListener("error", () => {
            if (source.readyState === EventSource.CLOSED) setTimeout(listen, $RETRY_MS);
        });
    }

    listen();
})();
