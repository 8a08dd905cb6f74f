"use strict";
// A client of the MCP server over stdio: one process, one JSON-RPC message a line.

const { spawn } = require("node:child_process");

const PROTOCOL = "2025-11-25";
const ANSWER_MS = 15_000;

class Client {
  /** command, args: how the server is started. cwd: the folder that is worked in. */
  constructor(command, args, cwd, env) {
    this.waiting = new Map();
    this.next = 1;
    this.rest = "";
    this.closed = null;
    this.process = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "ignore"] });
    this.process.on("error", (error) => this.fail(new Error(`${command} cannot be started: ${error.message}`)));
    this.process.on("exit", (code) => this.fail(new Error(`${command} ended (${code})`)));
    this.process.stdin.on("error", () => this.fail(new Error(`${command} went away`)));
    this.process.stdout.setEncoding("utf8");
    this.process.stdout.on("data", (text) => this.read(text));
    this.ready = this.request("initialize", {
      protocolVersion: PROTOCOL,
      capabilities: {},
      clientInfo: { name: "vscode", version: "0.1.0" },
    }).then(() => this.send({ jsonrpc: "2.0", method: "notifications/initialized" }));
    this.ready.catch(() => undefined); // whoever calls a tool is told
  }

  /** The structured answer of a tool; an Error with the server's own sentence if it refuses. */
  async call(name, args) {
    await this.ready;
    const result = await this.request("tools/call", { name, arguments: args });
    if (result.isError) throw new Error(result.content?.[0]?.text ?? `${name} failed`);
    return result.structuredContent;
  }

  close() {
    this.process.stdin.end();
    this.process.kill();
  }

  request(method, params) {
    if (this.closed) return Promise.reject(this.closed);
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error(`no answer to ${method} within ${ANSWER_MS / 1000} s`));
      }, ANSWER_MS);
      this.waiting.set(id, { resolve, reject, timer });
      this.send({ jsonrpc: "2.0", id, method, params });
    });
  }

  send(message) {
    this.process.stdin.write(JSON.stringify(message) + "\n");
  }

  read(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    for (const line of lines.filter((each) => each.trim())) this.take(JSON.parse(line));
  }

  take(message) {
    const waiting = this.waiting.get(message.id);
    if (!waiting) return;
    this.waiting.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.error) waiting.reject(new Error(message.error.message));
    else waiting.resolve(message.result);
  }

  fail(error) {
    this.closed = this.closed ?? error;
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.waiting.clear();
  }
}

module.exports = { Client };
