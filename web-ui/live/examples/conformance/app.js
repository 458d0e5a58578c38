// The glue between the stock client and the pages: the only JavaScript of their own that they need.

"use strict";

const query = new URLSearchParams(location.search);
const csrf = document.querySelector("meta[name=csrf-token]").content;

// What the hook has seen, for whoever drives the page.
window.HOOKLOG = [];

const Chart = {
    mounted() {
        HOOKLOG.push("mounted");
        this.pushEvent("hook-mounted", { x: 1 }, (reply) => HOOKLOG.push(`reply ${JSON.stringify(reply)}`));
        this.handleEvent("pt", ({ y }) => HOOKLOG.push(`pt${y}`));
    },
    updated() {
        HOOKLOG.push(`updated ${this.el.dataset.points}`);
    },
    disconnected() {
        HOOKLOG.push("disconnected");
    },
    reconnected() {
        HOOKLOG.push("reconnected");
    },
};

const options = { params: () => ({ _csrf_token: csrf }), hooks: { Chart } };
if (query.has("lp")) options.transport = Phoenix.LongPoll;
if (query.has("fallback")) options.longPollFallbackMs = Number(query.get("fallback"));
if (query.has("auth")) options.authToken = "token-of.the_page~1";

window.liveSocket = new LiveView.LiveSocket("/live", Phoenix.Socket, options);
window.liveSocket.connect();
