// What MQTT.js sees of the gateway. Arguments: URL, certificate of the authority or "", scenario.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const { once } = require("node:events");
const mqtt = require("mqtt");

const [url, authority, scenario] = process.argv.slice(2);
const topic = (name) => `devices/${scenario.replace("_", "-")}/points/${name}/set`;
const ALL = topic("+");

// A client and what it hears: each message waits until somebody asks for it.
class Peer {
  constructor(version, options = {}) {
    this.heard = [];
    this.asking = [];
    this.client = mqtt.connect(url, {
      protocolVersion: version,
      reconnectPeriod: 0,
      connectTimeout: 50_000,
      ...(authority ? { ca: fs.readFileSync(authority) } : {}),
      ...options,
    });
    this.client.on("message", (name, body, packet) => {
      const message = { topic: name, body: body.toString(), qos: packet.qos, retain: packet.retain, packet };
      const asked = this.asking.shift();
      if (asked) asked(message);
      else this.heard.push(message);
    });
  }

  async welcome() {
    const [connack] = await once(this.client, "connect");
    return connack;
  }

  message() {
    const ready = this.heard.shift();
    return ready ? Promise.resolve(ready) : new Promise((resolve) => this.asking.push(resolve));
  }
}

async function roundTrip() {
  for (const version of [4, 5]) {
    const peer = new Peer(version);
    await peer.welcome();
    const [granted] = await peer.client.subscribeAsync(ALL, { qos: 2 });
    assert.strictEqual(granted.qos, 2);
    for (const qos of [0, 1, 2]) {
      const body = "x".repeat(50_000) + qos;
      await peer.client.publishAsync(topic("x"), body, { qos });
      const message = await peer.message();
      assert.deepStrictEqual([message.topic, message.body, message.qos], [topic("x"), body, qos]);
    }
    await peer.client.endAsync();
  }
}

async function propertiesPass() {
  const peer = new Peer(5, { clientId: "", properties: { requestResponseInformation: true, topicAliasMaximum: 10 } });
  const connack = await peer.welcome();
  assert.ok(connack.properties.assignedClientIdentifier);
  assert.strictEqual(connack.properties.receiveMaximum, 100);
  assert.strictEqual(connack.properties.maximumPacketSize, 262_149);
  assert.strictEqual(connack.properties.responseInformation, `responses/${connack.properties.assignedClientIdentifier}`);
  await peer.client.subscribeAsync(ALL, { qos: 2, nl: false, properties: { subscriptionIdentifier: 77 } });
  const sent = {
    payloadFormatIndicator: true,
    messageExpiryInterval: 3600,
    contentType: "application/json",
    responseTopic: topic("answer"),
    correlationData: Buffer.from([0, 1, 255]),
    userProperties: { colour: ["green", "red"], "": "ü" },
  };
  for (const qos of [0, 1, 2]) {
    await peer.client.publishAsync(topic("x"), "{}", { qos, properties: sent });
    const { packet } = await peer.message();
    const { messageExpiryInterval, subscriptionIdentifier, topicAlias, userProperties, ...rest } = packet.properties;
    const { messageExpiryInterval: _, userProperties: asked, ...others } = sent;
    assert.deepStrictEqual(rest, others);
    assert.deepStrictEqual({ ...userProperties }, asked);
    assert.ok(messageExpiryInterval <= 3600 && messageExpiryInterval > 3000);
    assert.strictEqual(subscriptionIdentifier, 77);
    assert.strictEqual(topicAlias, 1);
  }
  await peer.client.endAsync();
}

async function aliases() {
  const listener = new Peer(5);
  await listener.welcome();
  await listener.client.subscribeAsync(ALL, { qos: 1 });
  // Gives aliases by itself, as many as the gateway takes, and then the oldest anew.
  const peer = new Peer(5, { autoAssignTopicAlias: true });
  await peer.welcome();
  for (let number = 0; number < 120; number++) {
    const name = topic(`t${number % 40}`);
    await peer.client.publishAsync(name, String(number), { qos: 1 });
    const message = await listener.message();
    assert.deepStrictEqual([message.topic, message.body], [name, String(number)]);
  }
  await peer.client.endAsync();
  await listener.client.endAsync();
}

async function resume() {
  for (const version of [4, 5]) {
    const properties = version === 5 ? { sessionExpiryInterval: 3600 } : undefined;
    const options = { clientId: `kept ${version}`, clean: false, properties };
    let peer = new Peer(version, options);
    assert.strictEqual((await peer.welcome()).sessionPresent, false);
    await peer.client.subscribeAsync(ALL, { qos: 2 });
    await peer.client.endAsync();
    const sender = new Peer(version);
    await sender.welcome();
    for (let number = 0; number < 100; number++) {
      await sender.client.publishAsync(topic("x"), String(number), { qos: 1 + (number % 2) });
    }
    peer = new Peer(version, options);
    assert.strictEqual((await peer.welcome()).sessionPresent, true);
    const bodies = { 1: [], 2: [] };
    for (let number = 0; number < 100; number++) {
      const message = await peer.message();
      bodies[message.qos].push(Number(message.body));
    }
    const numbers = (first) => Array.from({ length: 50 }, (_, index) => 2 * index + first);
    assert.deepStrictEqual(bodies, { 1: numbers(0), 2: numbers(1) });
    // Cut instead of ended, and back by itself with the same memory.
    peer.client.options.reconnectPeriod = 1;
    const back = peer.welcome();
    peer.client.stream.destroy();
    assert.strictEqual((await back).sessionPresent, true);
    await sender.client.publishAsync(topic("x"), "last", { qos: 2 });
    assert.strictEqual((await peer.message()).body, "last");
    await peer.client.endAsync();
    await sender.client.endAsync();
  }
}

const scenarios = { round_trip: roundTrip, properties: propertiesPass, aliases, resume };
scenarios[scenario]().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
