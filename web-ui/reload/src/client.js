// Live reload: swaps stylesheets that have changed, loads the page anew when its scripts have.

"use strict";

(() => {
    let version;

    // The new one is loaded before the old one goes: the page is never without.
    function swap(old) {
        const fresh = old.cloneNode();
        const url = new URL(old.href);
        url.searchParams.set("changed", Date.now());
        fresh.href = url.href;
        fresh.addEventListener("load", () => old.remove());
        old.after(fresh);
    }

    const source = new EventSource("/live-reload");
    source.addEventListener("scripts", ({ data }) => {
        if (version !== undefined && version !== data) location.reload();
        version = data;
    });
    source.addEventListener("stylesheet", ({ data }) => {
        const sheets = [...document.querySelectorAll("link[rel=stylesheet]")];
        sheets.filter((sheet) => new URL(sheet.href).pathname === data).forEach(swap);
    });
})();
