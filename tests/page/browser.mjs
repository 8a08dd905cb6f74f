// Drives Chromium for the Python tests: one JSON command a line on stdin, one JSON answer a line on stdout.
// Arguments: the folder of node packages, and the Chromium to run.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [modules, executablePath] = process.argv.slice(2);
const load = createRequire(`${modules}/`);
const { chromium } = load("playwright-core");
const axe = await readFile(load.resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const browser = await chromium.launch({ executablePath, args: FLAGS });
let page;
let devtools;
let seen;

// Over the developer tools, which a page's own content security policy does not stand in the way of.
async function evaluate(expression) {
  const { result, exceptionDetails } = await devtools.send("Runtime.evaluate", {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value ?? null;
}

const commands = {
  async open({ url, theme, width, height, scale }) {
    await page?.context().close();
    const context = await browser.newContext({
      acceptDownloads: true,
      colorScheme: theme,
      viewport: { width, height },
      deviceScaleFactor: scale,
      reducedMotion: "reduce",
    });
    page = await context.newPage();
    devtools = await context.newCDPSession(page);
    seen = { requests: [], errors: [] };
    page.on("request", (request) => seen.requests.push(request.url()));
    page.on("websocket", (socket) => seen.requests.push(socket.url()));
    page.on("pageerror", (error) => seen.errors.push(String(error.stack)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) seen.errors.push(message.text());
    });
    await page.goto(url);
  },
  async seen() {
    return seen;
  },
  evaluate: ({ expression }) => evaluate(expression),
  async wait({ expression, seconds }) {
    const until = Date.now() + seconds * 1000;
    while (Date.now() < until) {
      const value = await evaluate(expression);
      if (value) return value;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const text = await evaluate("document.body.innerText");
    throw new Error(`after ${seconds} s there was still not: ${expression}\n${text}`);
  },
  click: ({ selector }) => page.click(selector),
  fill: ({ selector, text }) => page.fill(selector, text),
  choose: ({ selector, value }) => page.selectOption(selector, value),
  press: ({ key }) => page.keyboard.press(key),
  scheme: ({ theme }) => page.emulateMedia({ colorScheme: theme }),
  async picture({ path, whole }) {
    await page.screenshot({ path, fullPage: whole });
  },
  async download({ selector }) {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
    const content = await readFile(await download.path());
    return { name: download.suggestedFilename(), content: content.toString("base64") };
  },
  async violations() {
    const found = JSON.parse(await evaluate(`${axe}; axe.run().then(JSON.stringify)`));
    const told = ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`;
    return { checked: found.passes.length, violations: found.violations.map(told) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...options } = JSON.parse(line);
  const answer = {};
  try {
    answer.value = (await commands[command](options)) ?? null;
  } catch (error) {
    answer.error = String(error.stack);
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
