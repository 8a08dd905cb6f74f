// The connection to the feed: it comes back by itself, and says how it goes.

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;
const QUIET = 10_000; // so long without a word, beyond some intervals, means that nobody is there
const REQUEST_PAUSE = 60; // between requests; the server allows 20 a second

export class Feed {
  // onMessage(message), onState({ name, seconds?, reason? }) with name one of connecting, live, lost, token
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.token = null;
    this.pause = FIRST_PAUSE;
    this.interval = 1000;
    this.subscription = { type: "subscribe", skill_name: null, events: true, time_window_hours: 24 };
    this.selection = {}; // whose uses are looked at: { project, agent, user_id }
    this.waiting = new Set();
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  start() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/`);
    this.socket = socket;
    this.refusal = null;
    socket.onmessage = (event) => this.take(JSON.parse(event.data));
    socket.onclose = (event) => this.lost(event.reason);
    this.listen();
  }

  // Change what updates hold: { time_window_hours? }
  subscribe(changes) {
    Object.assign(this.subscription, changes);
    this.send({ ...this.subscription, ...this.selection });
  }

  // Change whose uses figures are of.
  select(selection) {
    this.waiting.clear();
    this.selection = { ...selection };
    this.subscribe({});
  }

  // Ask for the figures of a skill, or of all (null), in turn with other requests.
  request(skillName) {
    this.waiting.add(skillName);
    this.sending ??= setTimeout(() => this.sendNext(), 0);
  }

  authenticate(token) {
    this.token = token;
    this.pause = FIRST_PAUSE;
    this.start();
  }

  sendNext() {
    this.sending = null;
    if (!this.isLive || !this.waiting.size) return;
    const [skillName] = this.waiting;
    this.waiting.delete(skillName);
    this.send({ type: "get_metrics", skill_name: skillName, ...this.selection });
    if (this.waiting.size) this.sending = setTimeout(() => this.sendNext(), REQUEST_PAUSE);
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ v: 1, ...message }));
  }

  take(message) {
    this.listen();
    if (message.type === "hello") this.greet(message);
    else if (message.type === "error" && message.code === "invalid_token") this.refusal = message.message;
    this.onMessage(message);
  }

  greet(hello) {
    this.interval = hello.update_interval * 1000;
    if (hello.authenticated) {
      this.isLive = true;
      this.pause = FIRST_PAUSE;
      this.onState({ name: "live" });
      this.subscribe({});
      this.request(null);
    } else if (this.token === null) {
      this.askForToken("");
    } else {
      this.send({ type: "authenticate", token: this.token });
    }
  }

  askForToken(reason) {
    this.leave();
    this.token = null;
    this.onState({ name: "token", reason });
  }

  lost(reason) {
    this.leave();
    if (this.refusal !== null) {
      this.askForToken(this.refusal);
      return;
    }
    const pause = this.pause * (0.5 + Math.random() / 2);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    this.onState({ name: "lost", seconds: pause / 1000, reason });
    this.retry = setTimeout(() => this.start(), pause);
  }

  // Try again now: the machine woke up, or somebody is looking.
  hurry() {
    if (this.retry === null || this.retry === undefined) return;
    clearTimeout(this.retry);
    this.pause = FIRST_PAUSE;
    this.start();
  }

  leave() {
    this.isLive = false;
    this.waiting.clear();
    clearTimeout(this.silence);
    clearTimeout(this.sending);
    this.sending = null;
    const socket = this.socket;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  listen() {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    this.retry = null;
    this.silence = setTimeout(() => this.lost("nothing was heard"), 3 * this.interval + QUIET);
  }
}
