// The stock client of npm in node, by WebSocket or long poll: everything that it relies on.
//   node client.js <base> websocket|longpoll
"use strict"

const assert = require("node:assert/strict")
const {Socket, Presence, LongPoll} = require("phoenix")
const WebSocket = require("ws")

const [base, transport] = process.argv.slice(2)
const byPoll = transport === "longpoll"
const PATIENCE_MS = 60000

const sockets = []

function connect(params = {}, options = {}){
  const how = byPoll ? {transport: LongPoll} : {transport: WebSocket}
  // Soon rather than politely: a test waits for it.
  const again = {reconnectAfterMs: () => 50, rejoinAfterMs: () => 50}
  const socket = new Socket(`${base.replace("http", byPoll ? "http" : "ws")}/socket`, {params, ...how, ...again, ...options})
  sockets.push(socket)
  socket.connect()
  return socket
}

// Resolves with what `start` hands to its callback.
function once(what, start){
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing came: ${what}`)), PATIENCE_MS)
    start(value => { clearTimeout(timer); resolve(value) })
  })
}

// The outcome of a push or a join: [status, response].
const outcome = push => once(`an answer to ${push.event}`, done => {
  for(const status of ["ok", "error", "timeout"]){ push.receive(status, response => done([status, response])) }
})

const heard = (channel, event) => once(event, done => channel.on(event, done))

async function joined(socket, topic, params = {}){
  const channel = socket.channel(topic, params)
  const [status, response] = await outcome(channel.join())
  assert.equal(status, "ok", JSON.stringify(response))
  return channel
}

const bytes = (...values) => new Uint8Array(values).buffer

const scenarios = {
  async "a join is answered with its parameters"(){
    const channel = connect().channel("room:a", {x: 1})
    assert.deepEqual(await outcome(channel.join()), ["ok", {joined: {x: 1}}])
    assert.equal(channel.state, "joined")
  },

  async "a refused join says why, and the client tries until it leaves"(){
    const channel = connect().channel("room:deny")
    assert.deepEqual(await outcome(channel.join()), ["error", {reason: "denied"}])
    await once("a second refusal", done => channel.joinPush.receive("error", done))
    channel.leave()
  },

  async "a join that crashes, and one of a topic that nobody serves, say so"(){
    const socket = connect()
    assert.deepEqual(await outcome(socket.channel("room:boom").join()), ["error", {reason: "join crashed"}])
    assert.deepEqual(await outcome(socket.channel("nope:1").join()), ["error", {reason: "unmatched topic"}])
  },

  async "answers come with their status and payload, in order"(){
    const channel = await joined(connect(), "room:a")
    assert.deepEqual(await outcome(channel.push("echo", {deep: [1, {é: "ü\n\"\\"}]})), ["ok", {deep: [1, {é: "ü\n\"\\"}]}])
    assert.deepEqual(await outcome(channel.push("err", {why: 1})), ["error", {why: 1}])
    assert.deepEqual(await outcome(channel.push("bare", {})), ["ok", {}])
    const many = Array.from({length: 250}, (_, n) => n)
    const order = []
    await Promise.all(many.map(async n => order.push((await outcome(channel.push("echo", {n})))[1].n)))
    assert.deepEqual(order, many)
  },

  async "what is pushed before the join is answered waits for it"(){
    const channel = connect().channel("room:a")
    channel.join()
    assert.deepEqual(await outcome(channel.push("echo", {early: true})), ["ok", {early: true}])
  },

  async "broadcasts reach everybody, or everybody else"(){
    const [one, other] = [await joined(connect(), "room:b"), await joined(connect(), "room:b")]
    const both = Promise.all([heard(one, "bc"), heard(other, "bc")])
    one.push("bc", {m: 1})
    assert.deepEqual(await both, [{m: 1}, {m: 1}])
    const own = []
    one.on("bc", payload => own.push(payload))
    const theirs = heard(other, "bc")
    assert.deepEqual(await outcome(one.push("bcf", {m: 2})), ["ok", {}])
    assert.deepEqual(await theirs, {m: 2})
    await outcome(one.push("bare", {}))
    assert.deepEqual(own, [])
  },

  async "a push of the server reaches the one who asked"(){
    const channel = await joined(connect(), "room:a")
    const pushed = heard(channel, "pushed")
    channel.push("pushme", {p: 1})
    assert.deepEqual(await pushed, {p: 1})
  },

  async "a channel that stops is closed and not joined again"(){
    const socket = connect()
    for(const [event, answered] of [["stop", false], ["stopr", true]]){
      const channel = await joined(socket, `room:${event}`)
      const closed = once("the close", done => channel.onClose(done))
      const push = channel.push(event, {})
      if(answered){ assert.deepEqual(await outcome(push), ["ok", {bye: 1}]) }
      await closed
      assert.equal(channel.state, "closed")
    }
  },

  async "a channel that crashes is joined again, and its neighbour does not notice"(){
    const socket = connect()
    const [channel, neighbour] = [await joined(socket, "room:c"), await joined(socket, "room:d")]
    let disturbed = false
    neighbour.onError(() => { disturbed = true })
    const failed = once("the error", done => channel.onError(done))
    const again = once("the second join", done => channel.joinPush.receive("ok", done))
    channel.push("crash", {})
    assert.deepEqual(await failed, {reason: "channel_crash"})
    await again
    assert.deepEqual(await outcome(channel.push("echo", {n: 1})), ["ok", {n: 1}])
    assert.deepEqual(await outcome(neighbour.push("echo", {n: 2})), ["ok", {n: 2}])
    assert.equal(disturbed, false)
  },

  async "a second join of the same topic takes the place of the first"(){
    const socket = connect()
    const first = await joined(socket, "room:twice")
    const closed = once("the close of the first", done => first.onClose(done))
    const second = await joined(socket, "room:twice")
    await closed
    const got = []
    first.on("bc", payload => got.push(payload))
    const reached = heard(second, "bc")
    second.push("bc", {m: 3})
    assert.deepEqual(await reached, {m: 3})
    assert.deepEqual(got, [])
  },

  async "a channel that was left is closed, and can be joined anew"(){
    const socket = connect()
    const channel = await joined(socket, "room:left")
    assert.deepEqual(await outcome(channel.leave()), ["ok", {}])
    assert.equal(channel.state, "closed")
    await joined(socket, "room:left")
  },

  async "bytes come and go"(){
    const channel = await joined(connect(), "room:bytes")
    if(byPoll){
      // They reach the server. The stock client could not read them back.
      const [status, response] = await outcome(channel.push("echo", bytes(1, 2, 255)))
      assert.equal(status, "error")
      assert.match(response.reason, /bytes/)
      assert.deepEqual(await outcome(channel.push("bare", bytes(7))), ["ok", {}])
      return
    }
    const [status, response] = await outcome(channel.push("echo", bytes(1, 2, 255)))
    assert.deepEqual([status, [...new Uint8Array(response)]], ["ok", [1, 2, 255]])
    const pushed = heard(channel, "pushed")
    channel.push("pushme", bytes(7, 7))
    assert.deepEqual([...new Uint8Array(await pushed)], [7, 7])
    const told = heard(channel, "bc")
    channel.push("bc", bytes(9))
    assert.deepEqual([...new Uint8Array(await told)], [9])
    const large = new Uint8Array(200000).map((_, n) => n % 251)
    const [, back] = await outcome(channel.push("echo", large.buffer))
    assert.deepEqual(new Uint8Array(back), large)
  },

  async "presences come, change and go"(){
    const room = `room:pres${transport}`
    const [a, b] = [connect(), connect()]
    const first = a.channel(room, {user: "u1", dev: "x"})
    const presence = new Presence(first)
    const list = () => Object.fromEntries(presence.list((key, {metas}) => [key, metas.map(meta => meta.dev).sort()]))
    const until = async (what, wanted) => once(what, done => {
      const look = () => { if(JSON.stringify(list()) === JSON.stringify(wanted)){ done() } }
      presence.onSync(look)
      look()
    })
    const news = []
    presence.onJoin((key, before, {metas}) => news.push(["join", key, metas.map(meta => meta.dev)]))
    presence.onLeave((key, now, {metas}) => news.push(["leave", key, metas.map(meta => meta.dev)]))
    first.join()
    await until("oneself", {u1: ["x"]})
    const second = await joined(b, room, {user: "u1", dev: "y"})
    await until("the second device", {u1: ["x", "y"]})
    await outcome(second.push("upd", {user: "u1", dev: "z"}))
    await until("the change", {u1: ["x", "z"]})
    // Under another's key nobody is changed: had somebody been, it would be told before who comes next.
    assert.deepEqual((await outcome(second.push("upd", {user: "u9", dev: "w"})))[1], {})
    const third = await joined(connect(), room, {user: "__proto__", dev: "p"})
    await until("a key with a meaning", JSON.parse("{\"u1\":[\"x\",\"z\"],\"__proto__\":[\"p\"]}"))
    third.leave()
    second.leave()
    await until("the leaves", {u1: ["x"]})
    // The client tells of itself twice: of the state, and of the diff with its own join that came before it.
    const [own, ...told] = news.filter(([, key]) => key === "u1")
    assert.deepEqual(own, ["join", "u1", ["x"]])
    assert.deepEqual(told, [
      ["join", "u1", ["x"]], ["join", "u1", ["y"]],
      ["join", "u1", ["z"]], ["leave", "u1", ["y"]], ["leave", "u1", ["z"]]
    ])
  },

  async "a user who is disconnected comes back and joins again"(){
    const socket = connect({user: `seven${transport}`})
    const channel = await joined(socket, "room:forced")
    const closed = once("the close", done => socket.onClose(done))
    const again = once("the second join", done => channel.joinPush.receive("ok", done))
    await fetch(`${base}/ctl?cmd=disconnect&user=seven${transport}`)
    const {code} = await closed
    assert.equal(code, byPoll ? 3410 : 1001)
    await again
    assert.deepEqual(await outcome(channel.push("echo", {n: 1})), ["ok", {n: 1}])
  },

  async "the application may refuse a connection"(){
    const socket = connect({reject: "1"})
    await once("the error", done => socket.onError(done))
    assert.equal(socket.isConnected(), false)
    socket.disconnect()
  },

  async "a token may be handed over, and nested parameters too"(){
    const socket = connect({a: {b: ["c", {d: "é&="}]}}, {authToken: "secret~token.1"})
    await joined(socket, "room:a")
  },

  async "the hundred and first topic is refused and the others go on"(){
    const socket = connect()
    const channels = Array.from({length: 100}, (_, n) => joined(socket, `room:m${n}`))
    const [first] = await Promise.all(channels)
    const refused = socket.channel("room:onemore")
    assert.deepEqual(await outcome(refused.join()), ["error", {reason: "too many channels joined"}])
    refused.leave()
    assert.deepEqual(await outcome(first.push("echo", {n: 1})), ["ok", {n: 1}])
  },

  async "the heartbeat is answered"(){
    // A client that polls sends none. It hangs up on whoever takes longer than the interval to answer.
    const socket = connect({}, {heartbeatIntervalMs: 1000})
    await once("the connection", done => socket.onOpen(done))
    if(byPoll){ return }
    await once("an answer", done => socket.onMessage(({topic, payload}) => {
      if(topic === "phoenix" && payload.status === "ok"){ done() }
    }))
    await once("a ping", done => {
      const other = connect()
      other.onOpen(() => other.ping(done))
    })
  },

  async "a WebSocket that brings nothing is given up for long poll, and is not tried again"(){
    // It opens and takes what is said; what is answered is lost on the way.
    let opened = 0
    class Deaf extends WebSocket {
      constructor(...where){
        super(...where)
        opened += 1
      }
      set onmessage(_){}
      get onmessage(){ return null }
    }
    const kept = new Map()
    const sessionStorage = {getItem: key => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value)}
    const options = {transport: Deaf, longPollFallbackMs: 100, sessionStorage}
    const socket = connect({}, options)
    const channel = await joined(socket, "room:fallback")
    assert.equal(socket.transport, LongPoll)
    assert.deepEqual(await outcome(channel.push("echo", {n: 1})), ["ok", {n: 1}])
    const pushed = heard(channel, "pushed")
    channel.push("pushme", {p: 1})
    assert.deepEqual(await pushed, {p: 1})
    assert.deepEqual([opened, kept.get("phx:fallback:LongPoll")], [1, "true"])
    await joined(connect({}, options), "room:fallback-2")
    assert.equal(opened, 1)
  },

  async "a WebSocket that answers is kept although there is a way back"(){
    const kept = new Map()
    const sessionStorage = {getItem: key => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value)}
    const socket = connect({}, {transport: WebSocket, longPollFallbackMs: 10000, sessionStorage})
    await once("the answer to the first heartbeat", done => socket.onMessage(({topic, event}) => {
      if(topic === "phoenix" && event === "phx_reply"){ done() }
    }))
    await joined(socket, "room:a")
    assert.deepEqual([socket.transport === WebSocket, kept.size], [true, 0])
  },

  async "a client that leaves its sockets is forgotten by those who stay"(){
    const [a, b] = [connect(), connect()]
    const stays = a.channel(`room:pres-gone-${transport}`, {user: "stays", dev: "x"})
    const presence = new Presence(stays)
    stays.join()
    await joined(b, `room:pres-gone-${transport}`, {user: "goes", dev: "y"})
    const keys = () => presence.list(key => key).sort().join()
    const until = wanted => once(wanted, done => {
      const look = () => { if(keys() === wanted){ done() } }
      presence.onSync(look)
      look()
    })
    await until("goes,stays")
    b.disconnect()
    await until("stays")
  }
}

async function main(){
  const names = Object.keys(scenarios)
  for(const name of names){
    try { await scenarios[name]() } catch (error){
      console.error(`${transport}: ${name}: ${error.stack}`)
      process.exit(1)
    }
    sockets.splice(0).forEach(socket => socket.disconnect())
  }
  console.log(`${names.length} scenarios by ${transport}`)
  process.exit(0)
}

main()
