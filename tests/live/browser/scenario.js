// Collects the scenarios of a file: a sentence, and a function that is given a visitor (and a way to ask for more).

"use strict";

function collect() {
    const scenarios = [];
    const scenario = (sentence, play) => scenarios.push({ sentence, play });
    return { scenarios, scenario };
}

module.exports = { collect };
